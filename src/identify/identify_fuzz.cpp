#include <cstdlib>

#include "base/text.h"
#include "identify/identify.h"
#include "identify/python.h"

// Oracle: claims stay inside the bytes and are named; what is called text really is text, by a second
// check of UTF-8; Python's answer does not depend on how the text is cut into pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay;
  const auto all = std::as_bytes(std::span{data, size});
  const bytes::MemorySource source{all};
  for (const auto& c : identify::identify(source))
    if (c.end > size || c.format.empty() || c.says.empty()) std::abort();
  identify::loadable_magic(all);

  const auto text = identify::classify_text(source);
  if (!text) std::abort();
  const auto raw = bytes::text(all);
  const bool wide = raw.starts_with("\xff\xfe") || raw.starts_with("\xfe\xff") ||
                    raw.starts_with(std::string_view{"\0\0\xfe\xff", 4});
  if (text->is_text && !wide && (!is_utf8(raw) || raw.find('\0') != raw.npos)) std::abort();
  if (text->is_text == text->format.empty()) std::abort();

  identify::Python whole, pieces;
  whole.feed(raw);
  for (const auto& c : raw) pieces.feed({&c, 1});
  if (whole.finish() != pieces.finish()) std::abort();
  return 0;
}
