// One reading being followed: the machine's inner loop and its steps. Only machine.cpp makes one.
#pragma once
#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/pickle/heap.h"
#include "format/pickle/machine.h"

namespace assay::format::pickle {

/// Steps return false once nobody follows this reading any more.
class Interpreter {
 public:
  Interpreter(Machine& machine, Reading& reading)
      : m{machine}, r{reading}, in{reading.cursor}, sink{machine.sink_}, opcodes_paid{reading.opcodes} {}

  /// Follows the reading to its end. kWatched: the sink is told of every opcode.
  template <bool kWatched>
  void run();
  /// How it ended; once, after run().
  End finish();

 private:
  // --- Ends (interpreter.cpp) ---

  /// Those profiles of `which` that still follow stop here. False when nobody is left to follow.
  bool leave(Profiles which, Errc code, std::string_view what);
  bool stop_all(Errc code, std::string_view what) { return leave(r.profiles, code, what); }
  /// The same, where the difference between loaders is itself worth telling.
  bool differ(Profiles refusing, std::string_view quirk, std::string_view what, std::string detail);
  void tell_differences();
  /// Pays for the opcodes and the memo slots since the last time, and looks at the clock.
  bool pay();
  bool pay_for_memo();
  bool pay_for_slots(std::uint64_t slots);
  bool step();
  bool stop();

  // --- Arguments: bytes, lines, literals (arguments.cpp) ---

  /// A copy of this reading for the file loader alone, where it still is among the profiles here.
  std::unique_ptr<Reading> fork_file_loader();
  bool fork_at_frame_end(bool whole_for_file);
  bool cope(Cursor::Got got, bool whole_for_file = false);
  bool need(std::size_t n) { return in.has(n) || need_more(n); }
  [[gnu::noinline]] bool need_more(std::size_t n);
  bool reach(std::uint64_t n, bool whole_for_file = false);
  /// The argument of an opcode of protocol 0, without its newline.
  struct Line {
    std::string_view text;    ///< all of it, or its first kLiteralHead bytes
    std::uint64_t at = 0;     ///< offset of its first byte
    std::uint64_t bytes = 0;  ///< of the whole line

    bool is_long() const { return bytes > text.size(); }
    /// What a value can say of its length.
    std::uint32_t len() const { return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, 0xffffffff)); }
    std::uint8_t huge() const { return bytes > 0xffffffff ? kHuge : 0; }
  };
  bool line(Line& out);
  bool last_line(Line& out);
  /// A line that the cursor does not hold at once. Only texts and numbers can be so long, and loaders read them.
  Cursor::Got long_line(Line& out);
  bool is_number(const Line& line, std::string_view alphabet);
  template <class T>
  bool number(T& out) {
    if (!need(sizeof(T))) return false;
    std::memcpy(&out, in.here(), sizeof(T));
    in.advance(sizeof(T));
    return true;
  }
  void literal(const Value& v, std::string_view head);
  std::string_view head_of(std::uint64_t n);
  bool raw(Tag tag, std::uint64_t n, std::uint8_t flags);
  bool raw_string(std::uint64_t n);
  bool text_is_utf8(std::uint64_t n, Value& v);
  template <class T>
  bool sized(Tag tag, std::uint8_t flags = 0) {
    T n;
    return number(n) && raw(tag, n, flags);
  }
  bool signed_sized_text();
  bool integer_line(bool is_long);
  bool float_line();
  bool string_line();
  bool unicode_line();
  bool index_line(std::uint64_t& index);
  bool big_integer(std::uint64_t n);
  bool signed_sized_integer();
  bool proto();
  bool frame();

  // --- Stack and memo ---

  std::size_t fence() const { return r.marks.empty() ? 0 : r.marks.back(); }
  bool holds(std::size_t n) const { return r.stack.size() - fence() >= n; }
  bool has(std::size_t n) {
    if (holds(n)) [[likely]]
      return true;
    return stop_all(Errc::malformed, "the stack is empty"), false;
  }
  void push(const Value& v) { r.stack.push_back(v); }
  Value pop() {
    const auto v = r.stack.back();
    r.stack.pop_back();
    return v;
  }
  std::span<const Value> above(std::size_t from) const { return r.stack.all().subspan(from); }
  bool to_mark(std::size_t& from);
  bool put(std::uint64_t index) {
    if (!has(1)) return false;
    const auto& v = r.stack.back();
    if (index == r.memo.size() && index == r.memo_used) [[likely]] {  // as every pickler numbers them; paid for later
      r.memo.push_back_fresh(v);
      ++r.memo_used;
      return true;
    }
    return put_anywhere(index, v);
  }
  bool put_anywhere(std::uint64_t index, const Value& v);
  void redefined(std::uint64_t index);
  bool get(std::uint64_t index) {
    if (index >= r.memo.size() || r.memo[index].tag == Tag::absent) [[unlikely]]
      return get_far(index);
    push(r.memo[index]);
    return true;
  }
  bool get_far(std::uint64_t index);

  // --- Values (values.cpp) ---

  void check_weight(const Weight& sum);
  bool all_hashable(const Load& load);
  void replace_by_items(Tag tag, std::size_t from, const Load& load);
  void replace_by_tuple(std::size_t from);
  void extend(const Value& container, std::size_t from, const Load& load);
  bool collect(Tag tag, Keys keys);
  bool small_tuple(std::size_t n);
  bool append(std::size_t from, bool several);
  bool append_nothing(const Value& target);
  bool all_bytes(std::span<const Value> items);
  bool setitems(std::size_t from);
  bool setitems_of_odd_number(const Value& target, std::span<const Value> items);
  bool additems();
  bool changes(Call::Kind kind, const Value& target, const Value& first, const Value& second);

  // --- Names and calls (calls.cpp) ---

  void import(std::string_view module, std::string_view name, bool resolved);
  bool name_lines(std::string& module, std::string& name);
  bool global();
  bool stack_global();
  void call(Call::Kind kind, const Value& callee, const Value& args, const Value& extra, Tag made);
  bool callable(const Value& v);
  bool argument_tuple(const Value& args);
  bool reduce();
  bool newobj(bool with_keywords);
  bool obj();
  bool inst();
  bool is_false(const Value& v) const;
  bool build_plain(const Value& state);
  bool build();
  void read_inline(const Value& state, const bytes::Extent& data);
  bool persid();
  bool persistent(const Value& id);
  bool extension(std::uint64_t code, bool positive);

  /// A difference matters once those who read on get somewhere: a broken file breaks for everybody, soon.
  struct Difference {
    std::string_view id;
    std::uint64_t offset;
    Profiles refusing;
    std::string detail;
  };

  Machine& m;
  Reading& r;
  Cursor& in;
  Sink& sink;
  std::uint64_t opcodes_paid;
  std::uint64_t op_at = 0;  ///< offset of the current opcode
  Op op = Op::stop;
  bool done = false;  ///< this reading is over
  bool reached_stop = false;
  bool told_redefined = false, told_sparse = false, told_bomb = false, told_deep = false;
  std::uint8_t highest = 0;  ///< protocol
  std::vector<Difference> differences;
  std::array<char, kLiteralHead> long_head;  ///< behind a long Line's text
  Value result{};
};

inline constexpr Profiles kFrameWalls = bits(Profile::cpython_c_strict, Profile::cpython_py, Profile::joblib);
inline constexpr Profiles kCLoaders = bits(Profile::cpython_c, Profile::cpython_c_file, Profile::cpython_c_strict);
inline constexpr Profiles kPythonLoaders = bits(Profile::cpython_py, Profile::joblib);

}  // namespace assay::format::pickle
