// Between a scan and its judgement: issuers are asked whether the secrets that were found still work.
#pragma once
#include <map>

#include "issuer/issuer.h"
#include "scan/scan.h"

namespace assay::scan {

/// Documents in which there is nothing to ask about go on at once; the others wait until all have come, because the
/// same secret stands in many files and its issuer is asked once.
class Asking {
 public:
  /// `next` and `transport` must outlive it. `keep`: whether secrets stay in the documents afterwards.
  Asking(const Take& next, issuer::Transport& transport, bool keep) noexcept
      : next_{next}, transport_{transport}, keep_{keep} {}

  void take(std::size_t index, format::Document document);
  /// Asks, writes the answers into the observations, and hands the documents on by index.
  void finish(const issuer::Manner& how);

 private:
  void hand_on(std::size_t index, format::Document document);

  const Take& next_;
  issuer::Transport& transport_;
  bool keep_;
  std::map<std::size_t, format::Document> waiting_;
};

/// extract(), and the answers of issuers in what it hands on. The network is reached after the last file was read.
tl::expected<Extraction, Refusal> extract_and_ask(const std::vector<std::string>& paths, Options options,
                                                  const Take& take);

}  // namespace assay::scan
