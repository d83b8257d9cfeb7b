#include "finding/finding.h"

#include <array>

namespace assay::finding {
namespace {

constexpr std::array<std::string_view, 7> kStatusWords = {"safe",  "caution",    "queued", "unscanned",
                                                          "error", "suspicious", "unsafe"};
constexpr std::array<std::string_view, 6> kSeverityWords = {"note",  "caution",    "unscanned",
                                                            "error", "suspicious", "unsafe"};

}  // namespace

std::string_view to_string(Status status) noexcept { return kStatusWords[static_cast<std::size_t>(status)]; }

std::optional<Status> status_from(std::string_view word) noexcept {
  for (std::size_t i = 0; i < kStatusWords.size(); ++i)
    if (kStatusWords[i] == word) return static_cast<Status>(i);
  return std::nullopt;
}

std::string_view to_string(Severity severity) noexcept { return kSeverityWords[static_cast<std::size_t>(severity)]; }

Status status_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::note: return Status::safe;
    case Severity::caution: return Status::caution;
    case Severity::unscanned: return Status::unscanned;
    case Severity::error: return Status::error;
    case Severity::suspicious: return Status::suspicious;
    case Severity::unsafe: return Status::unsafe;
  }
  return Status::unsafe;
}

std::string fingerprint(std::string_view rule, std::string_view member, std::string_view evidence) {
  // FNV-1a: it identifies, it does not protect. Waivers bind the file's SHA-256 beside it.
  std::uint64_t h = 0xcbf29ce484222325;
  for (const auto part : {rule, member, evidence}) {
    for (const char c : part) h = (h ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
    h = (h ^ 0xff) * 0x100000001b3;  // a byte that no UTF-8 text has, so parts cannot run together
  }
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i) out[15 - i] = "0123456789abcdef"[(h >> (4 * i)) & 15];
  return out;
}

std::string_view to_string(Safety safety) noexcept {
  switch (safety) {
    case Safety::innocuous: return "innocuous";
    case Safety::suspicious: return "suspicious";
    case Safety::dangerous: return "dangerous";
  }
  return "suspicious";
}

}  // namespace assay::finding
