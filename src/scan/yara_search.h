// Runs YARA rules: ours where a sweep shows their anchors, the user's over all bytes. Writes what matches as
// observations. Runs in a cell.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "malware/yara/own.h"
#include "scan/lines.h"
#include "scan/sweep.h"

namespace assay::scan {

/// What nobody runs: prose and settings speak of attacks without being any, and what our own rules find there is a note.
bool is_only_read(const format::Member& member);

class YaraSearch final : public LiteralEngine {
 public:
  static constexpr std::string_view kEngine = "yara";

  /// `user_rules`: compiled; empty where the user brought none. Must outlive it, and is opened only when there is
  /// something to search. `tensors`: whether those are searched, too.
  YaraSearch(std::string_view user_rules, bool tensors) : user_rules_{user_rules}, tensors_{tensors} { forget(); }

  void enter(const OwnBytes& bytes) override;
  void begin(const bytes::Extent& extent) override;
  void take(bytes::View piece, const literals::Places& ending_in_it) override;
  bool end() override;
  void leave_out(std::string_view what) override;
  void see_nothing() override { stretches_->add_all(); }

  /// The user's rules, over all bytes of the member but its tensors.
  void look_with_users(const OwnBytes& bytes);
  void pass_over(const std::vector<bytes::Extent>& tensors) {
    if (!tensors_) run_.passed_over += bytes_in(tensors);
  }
  /// Puts what was found, and how the engine ran, into the document of the artifact. The search starts anew.
  void finish(format::Document& document);
  void forget();

 private:
  template <class Scan>
  bool look_at(const bytes::Extent& extent, const Scan& scan, bool told_by_us);
  bool note(std::vector<malware::yara::Match> matches, std::uint64_t begin, bool told_by_us);

  std::string_view user_rules_;
  bool tensors_;
  std::optional<malware::yara::OwnRules> own_;
  std::optional<malware::yara::Scanner> user_;
  const OwnBytes* bytes_ = nullptr;                    ///< of the member that is shown
  std::optional<Lines> lines_;                         ///< of the same
  bytes::Extent extent_;                               ///< that is shown
  std::optional<malware::yara::Stretches> stretches_;  ///< of it
  std::vector<format::Observation> found_;
  format::EngineRun run_;
};

}  // namespace assay::scan
