// How described values (format/describe.h) travel between a cell and its parent: numbers as LEB128, texts and lists
// with their length first. What comes back is hostile: the Decoder refuses what the Encoder cannot have written, and
// allocates at most a small multiple of its input. Ranges of enums and everything between the lines are for a
// validate() to check.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/kept.h"
#include "base/result.h"
#include "bytes/reader.h"

namespace assay::format {

template <class T>
concept Enum = std::is_enum_v<T>;
template <class T>
concept Number = std::is_unsigned_v<T> && !std::is_same_v<T, bool>;

class Encoder {
 public:
  explicit Encoder(std::string begun) : out{std::move(begun)} {}
  template <class T>
  void operator()(std::string_view, T& field) {
    write(field);
  }
  std::string out;

 private:
  template <Number T>
  void write(T v) {
    std::uint64_t n = v;
    for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
    out += static_cast<char>(n);
  }
  void write(bool v) { out += v ? '\1' : '\0'; }
  template <Enum T>
  void write(T v) {
    out += static_cast<char>(v);
  }
  void write(std::string& s) {
    write(std::uint64_t{s.size()});
    out += s;
  }
  void write(Kept& text) {
    write(std::uint64_t{text.view().size()});
    out += text.view();
  }
  template <class T>
  void write(std::vector<T>& list) {
    write(std::uint64_t{list.size()});
    for (auto& item : list) write(item);
  }
  template <class T>
  requires std::is_class_v<T>
  void write(T& value) { describe(*this, value); }
};

class Decoder {
 public:
  explicit Decoder(bytes::View raw) : in_{raw} {}
  template <class T>
  void operator()(std::string_view, T& field) {
    if (ok()) read(field);
  }
  bool ok() const { return error_.what.empty(); }
  bool finished() const { return in_.empty(); }
  Error error() const { return error_; }

 private:
  static constexpr unsigned kDeepest = 20;       ///< lists inside lists
  static constexpr std::uint64_t kReserved = 4;  ///< items for which there is room at once: most lists are short

  void give_up(std::string_view what) {
    if (ok()) error_ = Error{Errc::malformed, in_.offset(), what};
  }
  std::uint8_t byte() {
    const auto b = in_.take(1);
    if (!b) return give_up("the answer ends early"), std::uint8_t{0};
    return std::to_integer<std::uint8_t>((*b)[0]);
  }
  template <Number T>
  void read(T& v) {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto b = byte();
      n |= std::uint64_t{static_cast<std::uint8_t>(b & 0x7f)} << shift;
      if (b < 0x80) {
        v = static_cast<T>(n);
        if (v != n) give_up("number too large");
        return;
      }
    }
    give_up("number too long");
  }
  void read(bool& v) {
    const auto b = byte();
    if (b > 1) give_up("not a truth value");
    v = b == 1;
  }
  template <Enum T>
  void read(T& v) {
    v = static_cast<T>(byte());
  }  // the range is validate()'s business
  void read(std::string& s) { s = text(); }
  void read(Kept& kept) { kept = text(); }
  std::string_view text() {
    std::uint64_t n = 0;
    read(n);
    const auto raw = in_.take(ok() ? n : 0);
    if (!raw) return give_up("text ends early"), std::string_view{};
    return bytes::text(*raw);
  }
  template <class T>
  void read(std::vector<T>& list) {
    std::uint64_t n = 0;
    read(n);
    if (n > in_.remaining()) return give_up("more items than bytes");
    if (++depth_ > kDeepest) return give_up("nested too deeply");
    list.reserve(static_cast<std::size_t>(std::min(n, kReserved)));
    for (std::uint64_t i = 0; i < n && ok(); ++i) read(list.emplace_back());
    --depth_;
  }
  template <class T>
  requires std::is_class_v<T>
  void read(T& value) { describe(*this, value); }

  bytes::Reader in_;
  Error error_{Errc::malformed, 0, {}};  ///< says nothing as long as there is none
  unsigned depth_ = 0;
};

/// Behind what stands in `out` already.
template <class T>
std::string encoded(const T& value, std::string out = {}) {
  constexpr std::size_t kUsual = 512;  ///< bytes: most answers fit
  out.reserve(kUsual);
  Encoder encoder{std::move(out)};
  describe(encoder, const_cast<T&>(value));  // one description serves both directions; writing changes nothing
  return std::move(encoder.out);
}

template <class T>
Result<T> decoded(bytes::View raw) {
  T out;
  Decoder decoder{raw};
  describe(decoder, out);
  if (!decoder.ok()) return tl::unexpected<Error>{decoder.error()};
  if (!decoder.finished()) return fail(Errc::malformed, raw.size(), "something follows the answer");
  return out;
}

}  // namespace assay::format
