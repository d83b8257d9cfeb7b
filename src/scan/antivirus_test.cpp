#include "scan/antivirus.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "malware/clamd/fake_daemon.h"

namespace assay::scan {
namespace {

using namespace std::chrono_literals;
using malware::clamd::FakeDaemon;
using malware::clamd::Version;

/// Takes files and streams, and knows "marker".
struct Real {
  std::vector<std::string> seen;
  FakeDaemon daemon{[this](int c, unsigned) {
    const auto command = malware::clamd::hear_command(c);
    if (command == "zVERSION") return malware::clamd::say(c, "ClamAV 1.4.6/27500/Mon");
    std::string content;
    if (command == "zFILDES") {
      const int fd = malware::clamd::hear_file(c);
      struct stat s {};
      ::fstat(fd, &s);
      content.resize(static_cast<std::size_t>(s.st_size));
      if (::pread(fd, content.data(), content.size(), 0) < 0) content.clear();
      ::close(fd);
    } else {
      content = malware::clamd::hear_stream(c);
    }
    seen.push_back(content);
    const bool found = content.find("marker") != content.npos;
    malware::clamd::say(c, found ? "stream: Assay.Marker FOUND" : "stream: OK");
  }};
};

class AntivirusTest : public testing::Test {
 protected:
  AntivirusTest() {
    std::string folder = testing::TempDir() + "antivirus-XXXXXX";
    if (::mkdtemp(folder.data()) != nullptr) folder_ = folder;
  }
  ~AntivirusTest() override { std::filesystem::remove_all(folder_); }

  /// A file of the listing, as a suspect without a descriptor.
  Antivirus::Suspect suspect(const std::string& content) {
    const auto path = folder_ / std::to_string(listing_.found.size());
    std::ofstream{path, std::ios::binary} << content;
    struct stat s {};
    ::stat(path.c_str(), &s);
    Found found;
    found.path = path;
    listing_.found.push_back(found);
    return {listing_.found.size() - 1, content.size(), Identity::of(s)};
  }
  Antivirus::Answer answer(Antivirus::Suspect s) {
    Antivirus antivirus{listing_, Daemon{real_.daemon.address(), {"1.4.6", "27500", ""}, ""}, options_};
    antivirus.submit(std::move(s));
    for (int i = 0; i < 100; ++i)
      if (auto answers = antivirus.take(100ms); !answers.empty()) {
        EXPECT_EQ(antivirus.pending(), 0u);
        return std::move(answers[0]);
      }
    ADD_FAILURE() << "no answer";
    return {};
  }
  Descriptor file_of(const std::string& content) {
    const auto path = folder_ / "spool";
    std::ofstream{path, std::ios::binary} << content;
    return Descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  }

  std::filesystem::path folder_;
  Listing listing_;
  Options options_;
  Real real_;
};

TEST_F(AntivirusTest, AsksAboutAWholeFile) {
  const auto clean = answer(suspect("harmless"));
  EXPECT_TRUE(clean.found.empty() && clean.run.complete && !clean.changed);
  EXPECT_EQ(clean.run.engine, "avScan");
  EXPECT_EQ(clean.run.version, "1.4.6");
  EXPECT_EQ(clean.run.rule_set, "27500");
  const auto found = answer(suspect("a marker"));
  ASSERT_EQ(found.found.size(), 1u);
  EXPECT_EQ(found.found[0].rule, "Assay.Marker");
  EXPECT_EQ(found.found[0].place, (format::Place{0, 0}));
  EXPECT_EQ(real_.seen, (std::vector<std::string>{"harmless", "a marker"}));
}

TEST_F(AntivirusTest, AsksAboutSmallFilesFromMemory) {
  auto s = suspect("another file by now");
  s.content = "a marker", s.size = 8;
  EXPECT_EQ(answer(std::move(s)).found.size(), 1u);
}

TEST_F(AntivirusTest, AFileThatBecameAnotherIsNotJudged) {
  auto s = suspect("harmless");
  std::ofstream{listing_.found[0].path} << "something else";
  EXPECT_TRUE(answer(std::move(s)).changed);
  EXPECT_TRUE(real_.seen.empty());
}

TEST_F(AntivirusTest, AsksAboutEachMember) {
  auto s = suspect("head|stored|tail");
  s.spool = file_of("xxmarker");
  s.exports = {{0, false, 0, 16, {}}, {1, false, 5, 6, {}}, {2, true, 2, 6, {}}};
  const auto got = answer(std::move(s));
  EXPECT_EQ(real_.seen, (std::vector<std::string>{"head|stored|tail", "stored", "marker"}));
  ASSERT_EQ(got.found.size(), 1u);
  EXPECT_EQ(got.found[0].place, (format::Place{2, 0}));
}

TEST_F(AntivirusTest, PassesTensorsOverUnlessAskedForEverything) {
  const auto exports = [](Antivirus::Suspect s) {
    s.exports = {{0, false, 0, 20, {{2, 4}}}, {1, false, 10, 6, {{0, 6}}}};
    return s;
  };
  const auto got = answer(exports(suspect("ab..cdefghmarkerijkl")));
  EXPECT_EQ(real_.seen, (std::vector<std::string>{"abcdefghijkl"}));
  EXPECT_TRUE(got.found.empty());
  EXPECT_EQ(got.run.passed_over, 8u);
  options_.malware = Malware::full;
  real_.seen.clear();
  const auto full = answer(exports(suspect("ab..cdefghmarkerijkl")));
  EXPECT_EQ(real_.seen, (std::vector<std::string>{"ab..cdefghmarkerijkl"}));
  EXPECT_EQ(full.found.size(), 1u);
  EXPECT_EQ(full.run.passed_over, 0u);
}

TEST_F(AntivirusTest, TellsWhereTheWindowBeganInTheFile) {
  options_.clamd_limit = 8;  // windows of 8 bytes that overlap by 4
  auto s = suspect("0123TTTTTTTT4567marker");
  s.exports = {{0, false, 0, 22, {{4, 12}}}};
  const auto got = answer(std::move(s));
  ASSERT_EQ(got.found.size(), 1u);
  EXPECT_EQ(got.found[0].place.offset, 16u);
}

// What a taken-over cell calls a tensor hides no more than the member that it names.
TEST_F(AntivirusTest, TensorsReachNoFurtherThanTheirMember) {
  auto s = suspect("0123456789");
  s.exports = {{1, false, 2, 2, {{0, ~std::uint64_t{0}}}}};
  answer(std::move(s));
  EXPECT_EQ(real_.seen, (std::vector<std::string>{"01456789"}));
}

TEST_F(AntivirusTest, WhatWasNotDecodedWholeIsNotClean) {
  auto s = suspect("harmless");
  s.cut = true;
  EXPECT_FALSE(answer(std::move(s)).run.complete);
}

TEST_F(AntivirusTest, AsksNobodyAboutAnEmptyFile) {
  EXPECT_TRUE(answer(suspect("")).run.complete);
  EXPECT_TRUE(real_.seen.empty());
}

TEST(FindDaemon, TellsItsVersionOrWhyThereIsNone) {
  Real real;
  EXPECT_EQ(find_daemon(real.daemon.address().path).version, (Version{"1.4.6", "27500", "Mon"}));
  EXPECT_EQ(find_daemon("/nonexistent/clamd.ctl").missing,
            "no clamd at /nonexistent/clamd.ctl: there is no such socket");
}

}  // namespace
}  // namespace assay::scan
