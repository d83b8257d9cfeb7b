// Runs YARA rules: ours where a sweep shows their anchors, the user's over all bytes. Writes what matches as
// observations. Runs in a cell.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "malware/yara/own.h"
#include "scan/literal_engine.h"

namespace assay::scan {

/// What nobody runs: prose and settings speak of attacks without being any, and what our own rules find there is a
/// note.
bool is_only_read(const format::Member& member);

class YaraSearch final : public LiteralEngine {
 public:
  static constexpr std::string_view kEngine = "yara";

  /// `user_rules`: compiled; empty where the user brought none. Must outlive it, and is opened only when there is
  /// something to search. `tensors`: whether those are searched, too.
  YaraSearch(std::string_view user_rules, bool tensors)
      : LiteralEngine{kEngine, "more matches than are kept"}, user_rules_{user_rules}, tensors_{tensors} {}

  void begin(const bytes::Extent& extent) override;
  void take(bytes::View piece, const literals::Places& ending_in_it) override;
  void see_nothing(std::string_view) override { stretches_->add_all(); }
  bool end(bool came) override;

  void pass_over(const std::vector<bytes::Extent>& tensors) {
    if (!tensors_) LiteralEngine::pass_over(tensors);
  }
  /// The user's rules, over all bytes of the member but its tensors.
  void look_with_users(const OwnBytes& bytes);

 private:
  template <class Scan>
  bool look_at(const bytes::Extent& extent, const Scan& scan, bool told_by_us);
  bool note(std::vector<malware::yara::Match> matches, std::uint64_t begin, bool told_by_us);

  std::string_view user_rules_;
  bool tensors_;
  std::optional<malware::yara::OwnRules> own_;
  std::optional<malware::yara::Scanner> user_;
  bytes::Extent extent_;                               ///< that is shown
  std::optional<malware::yara::Stretches> stretches_;  ///< of it
};

}  // namespace assay::scan
