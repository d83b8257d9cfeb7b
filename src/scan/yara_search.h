// Runs YARA rules over the bytes that the examiner shows, and writes what matches as observations. Runs in a cell.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "malware/yara/own.h"
#include "scan/examine.h"

namespace assay::scan {

class YaraSearch {
 public:
  static constexpr std::string_view kEngine = "yara";

  /// `user_rules`: compiled; empty where the user brought none. Must outlive it, and is opened only when there is
  /// something to search. `tensors`: whether those are searched, too.
  YaraSearch(std::string_view user_rules, bool tensors) : user_rules_{user_rules}, tensors_{tensors} { forget(); }

  /// Rules of our own look at what belongs to the member itself; the user's at all of its bytes.
  void look_at(const OwnBytes& bytes);
  void pass_over(const std::vector<bytes::Extent>& tensors) {
    if (!tensors_) run_.passed_over += bytes_in(tensors);
  }
  /// Puts what was found, and how the engine ran, into the document of the artifact. The search starts anew.
  void finish(format::Document& document);
  void forget();

 private:
  using Matches = Parsed<std::vector<malware::yara::Match>>;
  template <class Rules>
  bool look_at(const OwnBytes& bytes, const std::vector<bytes::Extent>& where, Rules& rules, bool told_by_us);
  bool note(const OwnBytes& bytes, std::vector<malware::yara::Match> matches, std::uint64_t begin, bool told_by_us);
  bool look_with_own(const OwnBytes& bytes);
  bool look_with_users(const OwnBytes& bytes);
  void leave_out(std::string_view what);

  std::string_view user_rules_;
  bool tensors_;
  std::optional<malware::yara::OwnRules> own_;
  std::optional<malware::yara::Scanner> user_;
  std::vector<format::Observation> found_;
  format::EngineRun run_;
};

}  // namespace assay::scan
