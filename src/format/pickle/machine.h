// The pickle machine: follows CPython's unpickler on abstract values and tells a sink what happens.
//
// It models _pickle.c opcode by opcode (stack with fences, memo, frames), never a disassembly: a call is
// reported when a loader would make it, whatever becomes of the result, and what was reported stays
// reported when the stream breaks afterwards. Where loader profiles differ, the reading is forked at that
// byte and each side is followed to its own end.
//
// Memory: the cursor's buffer, the heap of cells (16 MiB), 16 bytes per memo slot, 16 bytes per value on
// the stack (bounded by kMostStack). Nothing is proportional to the items of lists and dicts.
// References: CPython Modules/_pickle.c, Lib/pickle.py, Lib/pickletools.py; PEP 307, 3154, 574.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "bytes/budget.h"
#include "bytes/coverage.h"
#include "bytes/source.h"
#include "format/document.h"
#include "format/pickle/cursor.h"
#include "format/pickle/heap.h"
#include "format/pickle/opcode.h"
#include "format/pickle/value.h"

namespace assay::format::pickle {

/// An imported name. `module` and `name` are what the loader asks for after Python 2 names are mapped.
struct Symbol {
  std::string module;
  std::string name;
  std::string written;   ///< "module name" as in the file, where mapping changed it
  bool resolved = true;  ///< false: one of the two was not a constant

  /// "a.b.c", however the two halves were cut: from protocol 4 on a name may hold dots.
  std::string dotted() const { return module + "." + name; }
};

struct CallSite {
  Call::Kind kind;
  std::uint64_t offset;  ///< of the opcode
  Value callee;          ///< for BUILD, APPEND(S), SETITEM(S), ADDITEMS: the object changed
  Value args;            ///< a tuple; for BUILD the state; for SETITEM(S) the first key; else unknown
  Value extra;           ///< NEWOBJ_EX: the keyword dict; SETITEM(S): the first value
  Profiles profiles;
};

class Machine;

/// Told of everything that matters, in order. All Values are valid only during the call.
class Sink {
 public:
  virtual ~Sink() = default;
  /// A name was looked up. The symbol's number is stable for this machine's whole run.
  virtual void on_import(Machine&, std::uint32_t symbol, std::uint64_t offset, Op op) = 0;
  virtual void on_call(Machine&, const CallSite& site) = 0;
  /// BUILD of `target` with `state`: the data of its own that a loader reads at `offset` (joblib's arrays) before the
  /// pickle goes on behind it; nothing for everything else.
  virtual std::optional<bytes::Extent> on_inline_data(Machine&, const Value& /*target*/, const Value& /*state*/,
                                                      std::uint64_t /*offset*/) {
    return {};
  }
  /// A byte string of at least kLiteralBytes or a text of at least kLiteralText; `head` is its beginning, as it is
  /// written in the source.
  virtual void on_literal(Machine&, const Value&, std::string_view /*head*/) {}
  /// id: a literal that names the oddity, a word of rules/structure.toml.
  virtual void on_quirk(Machine&, std::string_view id, std::uint64_t offset, Profiles profiles, std::string detail) = 0;
  /// The profiles whose reading ends here without STOP, and why.
  virtual void on_stop(Machine&, Profiles profiles, const Error& error) = 0;
  /// Every opcode, before it acts; only when wants_opcodes().
  virtual void on_opcode(Machine&, Op, std::uint64_t /*offset*/) {}
  virtual bool wants_opcodes() const { return false; }
};
inline constexpr std::uint64_t kLiteralBytes = 8;
inline constexpr std::uint64_t kLiteralText = 20;  ///< shorter base64 cannot hold a call
inline constexpr std::size_t kLiteralHead = 64;    ///< bytes of a head, where there are as many

/// How one reading ended.
struct End {
  Profiles profiles = 0;     ///< that followed it
  bool stopped = false;      ///< reached STOP
  std::uint64_t offset = 0;  ///< one past the last byte read
  std::uint8_t protocol = 0;
  std::uint64_t opcodes = 0;
  Value result;  ///< of STOP
};

/// The state that a fork copies.
struct Reading {
  Reading(Cursor at, Keep keep) : cursor{std::move(at)}, heap{keep} {}
  Cursor cursor;
  Profiles profiles = kAllProfiles;
  std::uint8_t protocol = 0;
  Slots stack;
  std::vector<std::size_t> marks;
  Slots memo;                                         ///< slots that are close together
  std::unordered_map<std::uint64_t, Value> far_memo;  ///< slots far beyond them
  std::uint64_t memo_used = 0;                        ///< distinct slots
  std::uint64_t memo_paid = 0;                        ///< slots of `memo` that the budget knows of
  Heap heap;
  std::uint64_t opcodes = 0;
};

class Machine {
 public:
  static constexpr std::size_t kMostStack = 16'000'000;  ///< values: 256 MB
  static constexpr std::size_t kMostForks = 8;

  /// `source` and `budget` must outlive the machine. Keep::everything is for who walks over the objects afterwards.
  Machine(const bytes::Source& source, bytes::Budget& budget, Sink& sink, Keep keep = Keep::newest);

  /// Reads one pickle from `offset` under every profile of `profiles`. Returns one End per reading, the
  /// one that most loaders share first; never empty. The first one's result can be looked at until the next run.
  std::vector<End> run(std::uint64_t offset, Profiles profiles = kAllProfiles);

  // --- For sinks, while they are being called ---
  const Symbol& symbol(std::uint32_t number) const { return symbols_[number]; }
  std::size_t symbols() const { return symbols_.size(); }
  /// The symbol a value is, or was made by (call, instance); nothing otherwise.
  std::optional<std::uint32_t> symbol_of(const Value& v) const;
  /// What is known of `v`, to a bounded depth and size.
  Expr explain(const Value& v) const;
  /// The text of a text or bytes value, decoded, at most `most` bytes of it.
  std::string text_of(const Value& v, std::size_t most = 4096) const;
  /// Item `i` of a tuple, list, set or frozenset, as far as it was kept.
  std::optional<Value> item(const Value& v, std::size_t i) const;
  /// Value under the text key `key` of a dict, as far as it was kept.
  std::optional<Value> lookup(const Value& dict, std::string_view key) const;
  /// Number of items; nothing where it is not known.
  std::optional<std::uint64_t> length(const Value& v) const;
  /// {callee, args, state by BUILD} of a call or instance; {id} of a persistent value.
  std::optional<Value> node(const Value& v, std::size_t i) const;
  /// What SETITEM(S) (like a dict) or APPEND(S) (like a list) put into an object; only where everything is kept.
  std::optional<Value> filled(const Value& v, Tag like) const { return now_->heap.filled(v, like); }
  /// Whether the state of a BUILD has a key like "__setstate__", or one that is not known.
  bool special_keys(const Value& state) const;
  /// Whether a dict has such a key and more pairs than are kept, so that explain() may not show it.
  bool hides_special_key(const Value& dict) const;
  /// Whether a container holds anything that is no plain value, or a special key; or that is no longer known.
  bool holds_objects(const Value& v) const { return now_->heap.holds_objects(v); }
  Profiles profiles() const { return now_->profiles; }
  std::uint8_t protocol() const { return now_->protocol; }
  const bytes::Source& source() const { return source_; }
  bytes::Budget& budget() { return budget_; }
  std::uint64_t offset() const { return now_->cursor.offset(); }
  std::span<const Value> stack() const { return now_->stack.all(); }
  /// What stands above the topmost mark; everything where there is none.
  std::span<const Value> above_mark() const {
    return now_->stack.all().subspan(now_->marks.empty() ? 0 : now_->marks.back());
  }

 private:
  friend class Interpreter;

  End follow(Reading& reading);
  std::uint32_t intern(std::string_view module, std::string_view name, bool resolved, bool map_python2);
  Expr explain(const Value& v, std::size_t depth, std::size_t& left) const;
  void explain_items(Expr& out, std::uint64_t first, std::size_t kept, std::size_t depth, std::size_t& left) const;

  const bytes::Source& source_;
  bytes::Budget& budget_;
  Sink& sink_;
  Keep keep_;
  std::vector<Symbol> symbols_;
  std::unordered_map<std::string, std::uint32_t> symbol_numbers_;
  std::vector<std::unique_ptr<Reading>> waiting_;  ///< forks not yet followed
  std::size_t forks_ = 0;
  std::unique_ptr<Reading> best_;  ///< behind run()'s first End
  Reading* now_ = nullptr;
};

}  // namespace assay::format::pickle
