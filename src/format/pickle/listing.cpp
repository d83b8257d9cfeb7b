#include "format/pickle/listing.h"

#include <cstdio>

#include "format/pickle/facts.h"

namespace assay::format::pickle {
namespace {

bool leaves_a_value(Op op) {
  switch (op) {
    case Op::mark:
    case Op::pop:
    case Op::pop_mark:
    case Op::proto:
    case Op::frame:
    case Op::stop:
    case Op::put:
    case Op::binput:
    case Op::long_binput:
    case Op::memoize: return false;
    default: return true;
  }
}

/// What an opcode says that leaves nothing on the stack.
std::string argument_of(Op op, const bytes::Source& source, std::uint64_t at) {
  const std::size_t width = op == Op::proto ? 1 : op == Op::frame ? 8 : 0;
  const auto raw = bytes::read_exactly(source, at + 1, width);
  if (width == 0 || !raw) return {};
  std::uint64_t number = 0;
  std::memcpy(&number, raw->data(), width);
  return std::to_string(number);
}

/// Prints an opcode when the next one begins: by then its result stands on the stack.
class Lister final : public Sink {
 public:
  Lister(std::uint64_t most, bytes::Budget& budget, const Listener& to)
      : left_{most}, to_{to}, facts_{scratch_, 0, budget, [](auto, auto) { return Care::none; }}, arrays_{facts_} {}

  bool wants_opcodes() const override { return true; }
  void on_opcode(Machine& m, Op op, std::uint64_t offset) override {
    flush(m);
    op_ = op;
    offset_ = offset;
    pending_ = true;
    if (op == Op::setitems) remark(counted(m.above_mark().size() / 2, "pair"));
    if (op == Op::appends || op == Op::additems) remark(counted(m.above_mark().size(), "item"));
  }
  void on_import(Machine& m, std::uint32_t symbol, std::uint64_t offset, Op op) override {
    arrays_.on_import(m, symbol, offset, op);
  }
  void on_call(Machine& m, const CallSite& site) override {
    if (site.kind == Call::Kind::build) remark(" state " + to_.write(m.explain(site.args)));
  }
  std::optional<bytes::Extent> on_inline_data(Machine& m, const Value& target, const Value& state,
                                              std::uint64_t offset) override {
    const auto before = arrays_.inline_data().size();
    const auto array = arrays_.on_inline_data(m, target, state, offset);
    if (!array) return array;
    const auto part = [&](std::string_view key) {
      const auto value = m.lookup(state, key);
      return value ? m.explain(*value) : Expr{};
    };
    const auto& data = arrays_.inline_data();
    to_.array({data.size() > before ? data.back() : bytes::Extent{offset, offset}, part("dtype"), part("shape")});
    std::array<char, 64> text;
    std::snprintf(text.data(), text.size(), " array up to %08llx", static_cast<unsigned long long>(array->end));
    remark(text.data());
    return array;
  }
  void on_quirk(Machine&, std::string_view id, std::uint64_t, Profiles, std::string) override {
    remark(" ! " + std::string{id});
  }
  void on_stop(Machine&, Profiles profiles, const Error& error) override {
    std::string who;
    for (unsigned p = 0; p < kProfiles; ++p)
      if ((profiles & bits(static_cast<Profile>(p))) != 0) who += " " + std::string{to_string(static_cast<Profile>(p))};
    remark(" ! stops here: " + std::string{error.what} + " (" + who.substr(1) + ")");
  }
  void finish(Machine& m) { flush(m); }
  bool complete() const { return left_ > 0; }

 private:
  static std::string counted(std::size_t n, std::string_view what) {
    return " (" + std::to_string(n) + " " + std::string{what} + (n == 1 ? ")" : "s)");
  }
  void remark(const std::string& text) { remarks_ += text; }
  void flush(Machine& m) {
    if (!pending_ || left_ == 0) return;
    pending_ = false;
    --left_;
    std::array<char, 64> head;
    const auto name = name_of(op_);
    const int n = std::snprintf(head.data(), head.size(), "%08llx  %-16.*s ", static_cast<unsigned long long>(offset_),
                                static_cast<int>(name.size()), name.data());
    std::string text(head.data(), static_cast<std::size_t>(n));
    if (!leaves_a_value(op_)) text += argument_of(op_, m.source(), offset_);
    else if (!m.stack().empty()) text += to_.write(m.explain(m.stack().back()));
    to_.line(text + remarks_);
    remarks_.clear();
  }

  std::uint64_t left_;
  const Listener& to_;
  Document scratch_;
  MemberFacts facts_;
  FactSink arrays_;  ///< knows where they are, from imports and states; what else it learns is known already
  Op op_ = Op::stop;
  std::uint64_t offset_ = 0;
  bool pending_ = false;
  std::string remarks_;
};

}  // namespace

bool list_program(const bytes::Source& source, std::uint64_t offset, Profiles read_by, bytes::Budget& budget,
                  std::uint64_t most, const Listener& to) {
  Lister lister{most, budget, to};
  Machine machine{source, budget, lister};
  const bool needs_joblib =
      (read_by & bits(Profile::cpython_c, Profile::cpython_py, Profile::joblib)) == bits(Profile::joblib);
  machine.run(offset, needs_joblib ? bits(Profile::joblib) : bits(Profile::cpython_c, Profile::cpython_py));
  lister.finish(machine);
  return lister.complete();
}

}  // namespace assay::format::pickle
