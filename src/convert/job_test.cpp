#include "convert/job.h"

#include "convert/sample.h"

namespace assay::convert {
namespace {

/// Two floats by NumPy.
std::string array() {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  header.resize(117, ' ');
  return std::string{"\x93NUMPY\1\0\x76\0", 10} + header + "\n12345678";
}

Conversion converted(const Folder& folder, const scan::Identity& scanned) {
  Options options;
  options.allow_unconfined = true;  // a sanitized build knows no confinement
  Ticker ticker{options};
  auto reader = InputReader::open(options);
  Claims claims;
  Conversion out;
  out.sources.resize(1);
  const auto product = folder.at("a.safetensors");
  const Unit unit{{folder.at("a.npy")}, {0}, {scanned}, {product}, product, "", "", ""};
  Job{unit, options, *reader, ticker, claims, out}.run();
  return out;
}

scan::Identity identity_of(const std::string& path) {
  struct stat s {};
  EXPECT_EQ(::stat(path.c_str(), &s), 0);
  return scan::Identity::of(s);
}

TEST(Job, ConvertsWhatWasScanned) {
  const Folder folder;
  folder.write("a.npy", array());
  const auto done = converted(folder, identity_of(folder.at("a.npy")));
  EXPECT_EQ(done.status, Conversion::Status::converted) << done.why;
  EXPECT_TRUE(folder.read("a.safetensors").ends_with("12345678"));
}

// A result must not carry the clean verdict of a file that was there before.
TEST(Job, RefusesAFileThatIsAnotherOneThanTheScanSaw) {
  const Folder folder;
  folder.write("a.npy", array());
  folder.write("b.npy", array());
  const auto done = converted(folder, identity_of(folder.at("b.npy")));
  EXPECT_EQ(done.status, Conversion::Status::failed);
  EXPECT_NE(done.why.find("another file now"), std::string::npos) << done.why;
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.npy", "b.npy"}));
}

}  // namespace
}  // namespace assay::convert
