#include "format/pickle/listing.h"

#include <cstdio>

#include "format/pickle/machine.h"

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

/// Prints an opcode when the next one begins: by then its result stands on the stack.
class Lister final : public Sink {
 public:
  Lister(std::uint64_t most, const std::function<std::string(const Expr&)>& write,
         const std::function<void(std::string)>& line)
      : left_{most}, write_{write}, line_{line} {}

  bool wants_opcodes() const override { return true; }
  void on_opcode(Machine& m, Op op, std::uint64_t offset) override {
    flush(m);
    op_ = op;
    offset_ = offset;
    pending_ = true;
  }
  void on_import(Machine&, std::uint32_t, std::uint64_t, Op) override {}
  void on_call(Machine& m, const CallSite& site) override {
    if (site.kind == Call::Kind::build) remark(" state " + write_(m.explain(site.args)));
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
  void remark(std::string text) { remarks_ += text; }
  void flush(Machine& m) {
    if (!pending_ || left_ == 0) return;
    pending_ = false;
    --left_;
    std::array<char, 64> head;
    const auto name = name_of(op_);
    const int n = std::snprintf(head.data(), head.size(), "%08llx  %-16.*s ", static_cast<unsigned long long>(offset_),
                                static_cast<int>(name.size()), name.data());
    std::string text(head.data(), static_cast<std::size_t>(n));
    if (leaves_a_value(op_) && !m.stack().empty()) text += write_(m.explain(m.stack().back()));
    line_(text + remarks_);
    remarks_.clear();
  }

  std::uint64_t left_;
  const std::function<std::string(const Expr&)>& write_;
  const std::function<void(std::string)>& line_;
  Op op_ = Op::stop;
  std::uint64_t offset_ = 0;
  bool pending_ = false;
  std::string remarks_;
};

}  // namespace

bool list_program(const bytes::Source& source, std::uint64_t offset, bytes::Budget& budget, std::uint64_t most,
                  const std::function<std::string(const Expr&)>& write, const std::function<void(std::string)>& line) {
  Lister lister{most, write, line};
  Machine machine{source, budget, lister};
  machine.run(offset, bits(Profile::cpython_c, Profile::cpython_py));
  lister.finish(machine);
  return lister.complete();
}

}  // namespace assay::format::pickle
