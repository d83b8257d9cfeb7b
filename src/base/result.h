// The one way a function in this repository says "I could not finish".
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace assay {

enum class Errc : std::uint8_t {
  truncated,      ///< the bytes ended before the structure did
  malformed,      ///< the bytes contradict the format
  unsupported,    ///< valid, and we do not read it yet
  encrypted,      ///< readable only with a key that we do not have
  limit_reached,  ///< a Budget line ran out; the rest was not looked at
  io,             ///< the operating system refused
  changed,        ///< the file was modified while it was read
  crashed,        ///< the cell that read it died or was stopped
};
inline constexpr Errc kLastErrc = Errc::crashed;

std::string_view to_string(Errc code) noexcept;

/// Small and allocation-free. `what` is always a literal in our source, so
/// hostile bytes never reach a log line through an error.
struct Error {
  Errc code = Errc::malformed;
  std::uint64_t offset = 0;  ///< bytes from the start of the bytes that were being read
  std::string_view what;     ///< lower case, no full stop: "tensor count exceeds file"
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::uint64_t at, std::string_view what) {
  return tl::unexpected<Error>{Error{code, at, what}};
}

/// What a format reader learned, and where it had to stop. While `stopped` is
/// set, bytes are unread and no verdict may say "safe".
template <class T>
struct [[nodiscard]] Parsed {
  T facts;
  std::optional<Error> stopped;
};

template <class T>
T unwrap(Result<T>&& r) {  // tl 1.0.0 has no operator* for expected<void>
  if constexpr (!std::is_void_v<T>) return *std::move(r);
}

#define ASSAY_CAT_(a, b) a##b
#define ASSAY_CAT(a, b) ASSAY_CAT_(a, b)
#define ASSAY_TRY_(r, ...)                                \
  __extension__({                                         \
    auto r = (__VA_ARGS__);                               \
    if (!r) [[unlikely]]                                  \
      return ::tl::unexpected<::assay::Error>(r.error()); \
    ::assay::unwrap(std::move(r));                        \
  })
/// Value of `expr`, or return its Error from the enclosing function.
#define TRY(...) ASSAY_TRY_(ASSAY_CAT(try_, __COUNTER__), __VA_ARGS__)

/// For promises that only our own code can break, never for input. Aborts in release builds too.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
#define ASSAY_ASSERT(expression) ((expression) ? void() : ::assay::assertion_failed(#expression, __FILE__, __LINE__))

}  // namespace assay
