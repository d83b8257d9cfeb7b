#include "format/pickle/literal.h"

#include "format/pickle/base64.h"
#include "format/pickle/machine.h"
#include "format/pickle/pickle.h"
#include "identify/identify.h"

namespace assay::format::pickle {
namespace {

/// The first letters of whatever begins like a pickle, an archive or a compressed stream. Most texts are not of them.
bool could_be_base64(std::string_view head) {
  constexpr std::string_view kFirst = "gUHeQ/KBkYNXTfjiE(";
  return head.size() >= kLiteralText && kFirst.find(head[0]) != kFirst.npos && head.find(' ') == head.npos;
}

}  // namespace

bool could_load(bytes::View head) noexcept { return !identify::loadable_magic(head).empty() || starts_with_name(head); }

bool could_load_decoded(std::string_view head) {
  if (!could_be_base64(head)) return false;
  const auto start = from_base64(head.substr(0, head.size() / 4 * 4));
  return start && could_load(*start);
}

}  // namespace assay::format::pickle
