// Values and documents for the tests, as short as the pickles they stand for.
#pragma once
#include <algorithm>
#include <string>

#include "detect/detect.h"
#include "format/document.h"

namespace assay::detect::sample {

using format::Call;
using format::Expr;
using Kind = Expr::Kind;

inline Expr text(const std::string& s) { return {Kind::text, false, s.size(), s, "", {}}; }
inline Expr raw(const std::string& s) { return {Kind::bytes, false, s.size(), s, "", {}}; }
inline Expr number(int n) { return {Kind::integer, false, 0, std::to_string(n), "", {}}; }
inline Expr none() { return {Kind::none, false, 0, "", "", {}}; }
inline Expr unknown() { return {}; }
/// "os.path" "join" by its last dot.
inline Expr name(const std::string& dotted) {
  const auto dot = dotted.rfind('.');
  if (dot == std::string::npos) return {Kind::symbol, false, 0, dotted, "", {}};
  return {Kind::symbol, false, 0, dotted.substr(0, dot), dotted.substr(dot + 1), {}};
}
/// Where the module ends is the pickle's choice: only what stands behind it is walked as attributes.
inline Expr name(const std::string& module, const std::string& attributes) {
  return {Kind::symbol, false, 0, module, attributes, {}};
}
/// A name that STACK_GLOBAL was handed as something other than a constant.
inline Expr computed(const std::string& module, const std::string& attribute) {
  return {Kind::unknown, false, 1, module, attribute, {}};
}
inline Expr many(Kind kind, std::vector<Expr> items) {
  const auto n = items.size();
  return {kind, false, n, "", "", std::move(items)};
}
inline Expr tuple(std::vector<Expr> items) { return many(Kind::tuple, std::move(items)); }
inline Expr list(std::vector<Expr> items) { return many(Kind::list, std::move(items)); }
inline Expr dict(std::vector<Expr> items) { return many(Kind::dict, std::move(items)); }
inline Expr made(Kind kind, Expr callee, std::vector<Expr> args) {
  args.insert(args.begin(), std::move(callee));
  return {kind, false, args.size() - 1, "", "", std::move(args)};
}
inline Expr call(Expr callee, std::vector<Expr> args) { return made(Kind::call, std::move(callee), std::move(args)); }
inline Expr call(const std::string& callee, std::vector<Expr> args) { return call(name(callee), std::move(args)); }
inline Expr instance(const std::string& cls) { return made(Kind::instance, name(cls), {}); }
inline Expr persistent(Expr id) { return {Kind::persistent, false, 0, "", "", {std::move(id)}}; }

/// A document that grows by what is said of it.
class Doc {
 public:
  Doc() {
    document.schema = format::kDocumentSchema;
    document.size = 1000;
    document.members.push_back({0, "", "file", 0, 1000, {"pickle"}, {{0, 1000, 0, 0, 0}, {}}});
    document.pickles.push_back({{0, 0}, 1000, format::kAllProfiles, 4, true, false, 10});
  }
  /// As the machine tells it: the name is imported, then called.
  Doc& call(Call::Kind kind, Expr callee, std::vector<Expr> args, std::uint32_t member = 0) {
    if (callee.kind == Kind::symbol) import(callee.text, callee.name, member);
    for (const auto& arg : args)
      if (arg.kind == Kind::symbol) import(arg.text, arg.name, member);
    document.calls.push_back(
        {{member, ++at_}, format::kAllProfiles, kind, std::move(callee), std::move(args), 1, false});
    return *this;
  }
  Doc& reduce(const std::string& callee, std::vector<Expr> args = {}) {
    return call(Call::Kind::reduce, name(callee), std::move(args));
  }
  Doc& reduce(Expr callee, std::vector<Expr> args = {}) {
    return call(Call::Kind::reduce, std::move(callee), std::move(args));
  }
  Doc& newobj(const std::string& cls, std::vector<Expr> args = {}) {
    return call(Call::Kind::newobj, name(cls), std::move(args));
  }
  Doc& build(Expr target, Expr state) { return call(Call::Kind::build, std::move(target), {std::move(state)}); }
  Doc& import(const std::string& module, const std::string& attribute, std::uint32_t member = 0) {
    document.imports.push_back({{member, ++at_}, format::kAllProfiles, module, attribute, "", true, 1});
    return *this;
  }
  Doc& import(const std::string& dotted) {
    const auto e = name(dotted);
    return import(e.text, e.name);
  }
  Doc& quirk(const std::string& id) {
    document.quirks.push_back({{0, ++at_}, 0, id, ""});
    return *this;
  }
  /// A member inside the root, with this role.
  std::uint32_t member(const std::string& role, std::uint32_t parent = 0) {
    document.members.push_back({parent, role, role, 0, 0, {"pickle"}, {}});
    return static_cast<std::uint32_t>(document.members.size() - 1);
  }

  /// "unsafe", ..., or "safe" where no finding changes the status.
  std::string status(const Listed& listed = {}) const {
    auto worst = finding::Status::safe;
    for (const auto& f : detect(document, listed).findings) worst = std::max(worst, status_of(f.severity));
    return std::string{finding::to_string(worst)};
  }
  std::vector<std::string> rules(const Listed& listed = {}) const {
    std::vector<std::string> out;
    for (const auto& f : detect(document, listed).findings) out.push_back(f.rule);
    return out;
  }
  bool says(std::string_view rule) const {
    const auto all = rules();
    return std::find(all.begin(), all.end(), rule) != all.end();
  }

  format::Document document;

 private:
  std::uint64_t at_ = 0;
};

}  // namespace assay::detect::sample
