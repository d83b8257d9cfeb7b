// The history of a git repository as a listing, and its blobs as opened files: what `walk` and `opener` are for
// folders.
#pragma once
#include <map>
#include <string>

#include "git/repository.h"
#include "scan/opener.h"
#include "scan/scan.h"

namespace assay::scan {

struct History {
  git::Repository repository;
  Listing listing;
};

/// Every blob that is new in what `source` asks for, by path; and beside them, as paths of their own, what of that
/// history could not be looked at. Waits until all of it is listed. Errors are for people.
tl::expected<History, Refusal> list_history(const GitSource& source, const Selection& selection, sandbox::Tier tier);

/// Asks for blobs ahead of who hands them to cells.
class BlobFeed final : public Feed {
 public:
  /// Both must outlive it.
  BlobFeed(git::Repository& repository, const Listing& listing, std::string spool_folder);

  bool is_ready() override;
  Opened next() override;
  Opened open_again(const Found& found) override;

 private:
  void ask_ahead();
  void ask(std::size_t index);
  void collect(std::chrono::milliseconds patience);
  Opened opened(git::Answer answer, Descriptor file);

  git::Repository& repository_;
  const std::vector<Found>& found_;
  std::string spool_folder_;
  std::size_t given_ = 0;                        // by next()
  std::size_t asked_ = 0;                        // the next one to ask for
  std::uint64_t bytes_ahead_ = 0;                // asked for, and not yet given out
  std::map<std::size_t, Descriptor> lent_;       // files that answers go into
  std::map<std::size_t, git::Answer> answered_;  // and not yet given out
};

}  // namespace assay::scan
