#include "format/numpy/npy.h"

#include <charconv>

#include "bytes/reader.h"

namespace assay::format::numpy {
namespace {

constexpr std::size_t kMostItems = 1000;
constexpr unsigned kDeepest = 16;

/// A recursive-descent reader of Python literals; depth and number of items are bounded.
class Literal {
 public:
  explicit Literal(std::string_view text) : all_{text}, rest_{text} {}

  Result<Expr> whole() {
    auto e = TRY(value(0));
    skip_space();
    if (!rest_.empty()) return bad("something follows the literal");
    return e;
  }

 private:
  std::uint64_t at() const { return all_.size() - rest_.size(); }
  tl::unexpected<Error> bad(std::string_view what) const { return fail(Errc::malformed, at(), what); }
  void skip_space() {
    while (!rest_.empty() && std::string_view{" \t\r\n\f"}.find(rest_[0]) != rest_.npos) rest_.remove_prefix(1);
  }
  bool eat(char c) {
    skip_space();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool eat_word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    if (rest_.size() > word.size() && is_name(rest_[word.size()])) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  static bool is_name(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  Result<Expr> value(unsigned depth) {
    skip_space();
    if (depth > kDeepest || ++items_ > kMostItems) return bad("a literal nested or long beyond reason");
    if (rest_.empty()) return bad("the literal ends early");
    if (eat('(')) return sequence(Expr::Kind::tuple, ')', depth);
    if (eat('[')) return sequence(Expr::Kind::list, ']', depth);
    if (eat('{')) return dict(depth);
    Expr e;
    if (eat_word("None")) return e.kind = Expr::Kind::none, e;
    for (const std::string_view word : {"True", "False"})
      if (eat_word(word)) return e.kind = Expr::Kind::boolean, e.text = word, e;
    const bool is_bytes = rest_[0] == 'b';
    if (is_bytes || (rest_[0] == 'u' && rest_.size() > 1 && (rest_[1] == '\'' || rest_[1] == '"')))
      rest_.remove_prefix(1);
    if (!rest_.empty() && (rest_[0] == '\'' || rest_[0] == '"')) return string(is_bytes);
    if (is_bytes) return bad("not a literal");
    return number();
  }
  Result<Expr> sequence(Expr::Kind kind, char close, unsigned depth) {
    Expr e;
    e.kind = kind;
    bool comma = false;
    while (!eat(close)) {
      if (!e.items.empty() && !comma) {
        return bad("a comma is missing");
      }
      e.items.push_back(TRY(value(depth + 1)));
      comma = eat(',');
    }
    // "(x)" is x: only a comma makes a tuple.
    if (kind == Expr::Kind::tuple && e.items.size() == 1 && !comma) return Expr{std::move(e.items[0])};
    e.size = e.items.size();
    return e;
  }
  Result<Expr> dict(unsigned depth) {
    Expr e;
    e.kind = Expr::Kind::dict;
    bool comma = true;
    while (!eat('}')) {
      if (!comma) return bad("a comma is missing");
      e.items.push_back(TRY(value(depth + 1)));
      if (!eat(':')) return bad("a colon is missing");
      e.items.push_back(TRY(value(depth + 1)));
      comma = eat(',');
    }
    e.size = e.items.size();
    return e;
  }
  Result<Expr> string(bool is_bytes) {
    const char quote = rest_[0];
    rest_.remove_prefix(1);
    Expr e;
    e.kind = is_bytes ? Expr::Kind::bytes : Expr::Kind::text;
    while (true) {
      if (rest_.empty()) return bad("a string has no end");
      const char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == quote) break;
      if (c == '\n') return bad("a string has no end");
      if (c == '\\') {  // field names of real files have none; keep it as it is written
        if (rest_.empty()) return bad("a string has no end");
        e.text += c;
        e.text += rest_[0];
        rest_.remove_prefix(1);
        continue;
      }
      e.text += c;
    }
    e.size = e.text.size();
    return e;
  }
  Result<Expr> number() {
    std::size_t n = rest_[0] == '-' ? 1 : 0;
    while (n < rest_.size() && rest_[n] >= '0' && rest_[n] <= '9') ++n;
    Expr e;
    e.kind = Expr::Kind::integer;
    e.text = rest_.substr(0, n);
    if (n == 0 || e.text == "-") return bad("not a literal");
    rest_.remove_prefix(n);
    if (!rest_.empty() && rest_[0] == 'L') rest_.remove_prefix(1);  // Python 2 wrote 3L
    return e;
  }

  std::string_view all_;
  std::string_view rest_;
  std::size_t items_ = 0;
};

Result<void> read_shape(const Expr& shape, Array& out) {
  if (shape.kind != Expr::Kind::tuple) return fail(Errc::malformed, 10, "the shape is not a tuple");
  for (const auto& item : shape.items) {
    std::uint64_t n = 0;
    const auto* end = item.text.data() + item.text.size();
    const auto [stopped, bad] = std::from_chars(item.text.data(), end, n);
    if (item.kind != Expr::Kind::integer || bad != std::errc{} || stopped != end)
      return fail(Errc::malformed, 10, "the shape is not a tuple of sizes");
    out.shape.push_back(n);
  }
  return {};
}

Result<void> read_header(std::string_view text, Array& out) {
  const auto dict = TRY(parse_literal(text));
  if (dict.kind != Expr::Kind::dict) return fail(Errc::malformed, 10, "the header is not a dict");
  bool has_descr = false, has_shape = false, has_order = false;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const auto& key = dict.items[i];
    const auto& value = dict.items[i + 1];
    if (key.text == "descr") {
      const auto dtype = from_descr(value);
      if (!dtype) return fail(Errc::malformed, 10, "a dtype that NumPy does not have");
      out.dtype = *dtype;
      out.descr = value.kind == Expr::Kind::text ? value.text : "structured";
      has_descr = true;
    } else if (key.text == "shape") {
      out.shape.clear();
      TRY(read_shape(value, out));
      has_shape = true;
    } else if (key.text == "fortran_order") {
      out.fortran_order = value.text == "True";
      has_order = value.kind == Expr::Kind::boolean;
    } else {
      out.odd_header = true;
    }
  }
  out.odd_header |= dict.items.size() != 6;
  if (!has_descr || !has_shape || !has_order)
    return fail(Errc::malformed, 10, "the header lacks descr, fortran_order or shape");
  return {};
}

}  // namespace

Result<Expr> parse_literal(std::string_view text) { return Literal{text}.whole(); }

Result<Array> parse(const bytes::Source& file) {
  const auto start = TRY(bytes::read_up_to(file, 0, 12));
  bytes::Reader in{start};
  if (bytes::text(TRY(in.take(6))) != "\x93NUMPY") return fail(Errc::malformed, 0, "not an .npy file");
  const auto major = std::to_integer<unsigned>(TRY(in.take(1))[0]);
  TRY(in.take(1));
  if (major < 1 || major > 3) return fail(Errc::unsupported, 6, "an .npy version that does not exist yet");
  const std::uint64_t length = major == 1 ? TRY(in.le<std::uint16_t>()) : TRY(in.le<std::uint32_t>());
  if (length > kMostHeader) return fail(Errc::limit_reached, 8, "an .npy header longer than a megabyte");
  const auto header = TRY(bytes::read_exactly(file, in.offset(), length));
  Array out;
  out.data_offset = in.offset() + length;
  TRY(read_header(bytes::text(header), out));
  out.odd_header |= length > 10'000 || header.empty() || header.back() != std::byte{'\n'};
  std::uint64_t bytes = out.dtype.itemsize;
  for (const auto n : out.shape)
    if (__builtin_mul_overflow(bytes, n, &bytes)) return fail(Errc::malformed, 10, "the shape overflows");
  out.data_bytes = bytes;
  return out;
}

}  // namespace assay::format::numpy
