#include "convert/scanned.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "convert/path.h"

namespace assay::convert {
namespace {

scan::Identity identity_of(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 ? scan::Identity::of(s) : scan::Identity{};
}

}  // namespace

tl::expected<Scanned, scan::Refusal> Scanned::of(const std::string& path, const Options& options, Ticker& ticker) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0)
    return tl::unexpected<scan::Refusal>{{printable(path) + ": " + std::strerror(errno)}};
  const auto listing = scan::list({path}, {}, scan::Sizes::not_asked);
  Scanned out;
  out.base = is_folder(path) ? listing.base : folder_of(path);
  std::map<std::string, scan::Identity> before;
  for (const auto& found : listing.found) before.emplace(found.path, identity_of(out.base + found.path));

  scan::Options how;
  how.allow_unconfined = options.allow_unconfined;
  how.malware = scan::Malware::off;  // what is converted is numbers
  how.limits = options.limits;
  how.spool_folder = options.spool_folder;
  how.secrets = false;  // what loading the sources would do is the question here
  how.stop = options.stop;
  how.on_progress = [&](const scan::Progress& p) {
    ticker.files(p.files_done, p.files);
    ticker.begin("scanning", std::string{p.current}, p.bytes);
    ticker(p.bytes_done);
  };
  auto extraction = scan::extract({path}, how);
  if (!extraction) return tl::unexpected<scan::Refusal>{extraction.error()};
  out.documents = std::move(extraction->documents);
  for (const auto& d : out.documents) out.identities.push_back(before[d.path]);
  return out;
}

}  // namespace assay::convert
