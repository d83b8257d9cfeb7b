#include <array>
#include <cstring>

#include "base/utf8.h"
#include "identify/identify.h"
#include "identify/markup.h"
#include "identify/python.h"
#include "identify/script.h"

namespace assay::identify {
namespace {

constexpr std::size_t kBlock = 64 << 10;  // bytes
constexpr std::size_t kPiece = 64 << 10;  // bytes of a line that are looked at together
constexpr std::size_t kOverlap = 256;     // bytes that two pieces of a line share, so that no word is cut

/// UTF-8 in, a classification out. Memory: one piece of a line.
class Reader {
 public:
  /// False once the bytes are no text.
  bool feed(std::string_view block) {
    if (!check(block)) return false;
    python_.feed(block);
    for (std::size_t at = 0; at < block.size();) {
      const auto end = std::min(block.find('\n', at), block.size());
      const auto part = block.substr(at, end - at);
      if (line_.empty() && end < block.size()) line(part);
      else keep(part, end < block.size());
      at = end + 1;
    }
    return true;
  }

  Text finish() {
    if (!utf8_.whole() || controls_ > total_ / 100) return {};
    if (!line_.empty()) line(line_);
    if (python_.finish()) return {true, "python-source", Use::code, "Python source code"};
    if (const auto markup = markup_.finish(); markup.is_text) return markup;
    if (const auto script = script_.finish(); script.is_text) return script;
    return {true, "text", Use::plain, "text"};
  }

 private:
  bool check(std::string_view block) {
    total_ += block.size();
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (utf8_.whole())
        while (block.size() - i > 8 && is_printable_ascii(block.data() + i)) i += 8;
      const auto c = static_cast<unsigned char>(block[i]);
      if (!utf8_.add(c) || c == 0) return false;
      if ((c < 0x20 && (c < '\t' || c > '\r' || c == '\v')) || c == 0x7f) ++controls_;
    }
    return true;
  }

  /// Eight bytes at once: none below 0x20, none above 0x7e.
  static bool is_printable_ascii(const char* at) noexcept {
    std::uint64_t v;
    std::memcpy(&v, at, sizeof v);
    constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = 0x8080808080808080;
    return (((v - 0x20 * kOnes) | (v + kOnes) | v) & kHigh) == 0;
  }

  void keep(std::string_view part, bool ended) {
    line_.append(part);
    if (ended) {
      line(line_);
      line_.clear();
      continued_ = false;
    } else if (line_.size() > kPiece) {
      line(line_);
      line_.erase(0, line_.size() - kOverlap);
      continued_ = true;
    }
  }

  void line(std::string_view text) {
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.empty()) return;
    markup_.line(text);
    script_.line(text, continued_);
  }

  Utf8 utf8_;
  std::uint64_t total_ = 0;     // bytes
  std::uint64_t controls_ = 0;  // control characters
  std::string line_;            // of which the end has not come yet
  bool continued_ = false;
  Python python_;
  Markup markup_;
  Script script_;
};

struct Encoding {
  std::size_t mark = 0;   ///< bytes of the byte order mark
  std::size_t width = 1;  ///< bytes of a code unit
  bool big = false;
};

Encoding encoding_of(bytes::View head) {
  const auto text = bytes::text(head);
  if (text.starts_with(std::string_view{"\xff\xfe\0\0", 4})) return {4, 4, false};
  if (text.starts_with(std::string_view{"\0\0\xfe\xff", 4})) return {4, 4, true};
  if (text.starts_with("\xff\xfe")) return {2, 2, false};
  if (text.starts_with("\xfe\xff")) return {2, 2, true};
  if (text.starts_with("\xef\xbb\xbf")) return {3, 1, false};
  return {};
}

/// Code units to UTF-8. A surrogate without its partner becomes bytes that the Reader refuses.
class Decoder {
 public:
  explicit Decoder(Encoding from) : from_{from} {}

  std::string_view decode(std::string_view block) {
    if (from_.width == 1) return block;
    out_.clear();
    for (const char c : block) {
      const auto byte = static_cast<unsigned char>(c);
      unit_ = from_.big ? unit_ << 8 | byte : unit_ | static_cast<std::uint32_t>(byte) << (8 * have_);
      if (++have_ < from_.width) continue;
      take(unit_);
      unit_ = 0;
      have_ = 0;
    }
    return out_;
  }
  bool whole() const { return have_ == 0 && high_ == 0; }

 private:
  void take(std::uint32_t unit) {
    const bool low = unit >= 0xdc00 && unit < 0xe000;
    if (from_.width == 2 && high_ != 0) {
      put(low ? 0x10000 + ((high_ - 0xd800) << 10) + (unit - 0xdc00) : kBroken);
      high_ = 0;
    } else if (from_.width == 2 && unit >= 0xd800 && unit < 0xdc00) {
      high_ = unit;
    } else {
      put(low ? kBroken : unit);
    }
  }

  void put(std::uint32_t c) {
    if (c >= 0x110000 || (c >= 0xd800 && c < 0xe000)) out_ += '\xff';
    else out_ += Utf8Character{c}.text();
  }

  static constexpr std::uint32_t kBroken = UINT32_MAX;
  Encoding from_;
  std::string out_;
  std::uint32_t unit_ = 0;
  std::size_t have_ = 0;  // bytes of the unit
  std::uint32_t high_ = 0;
};

bool looks_like_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first != text.npos && (text[first] == '{' || text[first] == '[');
}

}  // namespace

Result<Text> classify_text(const bytes::Source& source) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, source.size())));
  Reader reader;
  Decoder decoder{{}};
  bool wide_json = false;
  for (std::uint64_t at = 0; at < source.size();) {
    const auto n = TRY(source.read_at(at, block));
    if (n == 0) return fail(Errc::changed, at, "the source ended early");
    auto piece = bytes::text(bytes::View{block}.first(n));
    if (at == 0) {
      const auto encoding = encoding_of(bytes::View{block}.first(n));
      piece.remove_prefix(encoding.mark);
      decoder = Decoder{encoding};
    }
    const auto text = decoder.decode(piece);
    if (at == 0) wide_json = text.data() != piece.data() && looks_like_json(text);
    if (!reader.feed(text)) return Text{};
    at += n;
  }
  if (!decoder.whole()) return Text{};
  auto result = reader.finish();
  // json.load() of an open binary file takes UTF-16; our reader of JSON does not.
  if (result.is_text && result.use == Use::plain && wide_json)
    return Text{true, "wide-json", Use::model, "JSON in UTF-16 or UTF-32"};
  return result;
}

}  // namespace assay::identify
