#include "detect/detect.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>
#include <vector>

#include "base/text.h"
#include "detect/expression.h"
#include "detect/flow.h"
#include "detect/observed.h"
#include "detect/written.h"

namespace assay::detect {
namespace {

using finding::Finding;
using finding::Severity;
using format::Call;
using format::Document;
using format::Expr;
using format::Place;

constexpr std::size_t kMostOfARule = 200;  ///< findings of one rule per artifact; the last one says how many more

class Judge {
 public:
  Judge(const Document& document, const Listed& listed) : d_{document}, listed_{listed} {}

  Judgement run() {
    survey();
    for (const auto& call : d_.calls) judge(call);
    for (const auto& import : d_.imports) judge(import);
    for (const auto& quirk : d_.quirks) judge(quirk);
    for (const auto& stop : d_.stops) judge(stop);
    judge_coverage();
    judge_hidden();
    // Not softened by where it hides: malware is found to be deleted, not because of what loading reaches.
    for (const auto& observation : d_.observations) add(observed(observation, locate(observation.place)));
    say_how_many_more();
    std::stable_sort(out_.findings.begin(), out_.findings.end(), [](const Finding& a, const Finding& b) {
      if (a.severity != b.severity) return a.severity > b.severity;
      return std::tie(a.where.member, a.where.offset) < std::tie(b.where.member, b.where.offset);
    });
    return std::move(out_);
  }

 private:
  // --- Saying it --------------------------------------------------------------------------------

  void add(Finding f) {
    auto& count = counts_[f.rule];
    if (++count > kMostOfARule) return;
    if (f.fingerprint.empty()) f.fingerprint = finding::fingerprint(f.rule, f.where.member, f.evidence);
    out_.findings.push_back(std::move(f));
  }
  void say_how_many_more() {
    for (auto& f : out_.findings) {
      const auto count = counts_[f.rule];
      if (count <= kMostOfARule) continue;
      f.message += " (and " + std::to_string(count - kMostOfARule) + " more of this rule)";
      counts_[f.rule] = 0;  // once
    }
  }
  finding::Locator locate(const Place& place) {
    auto path = member_path(d_, place.member);
    members_.try_emplace(path, place.member);
    return {std::move(path), place.offset, 0};
  }

  Finding structural(std::string_view id, const Place& place, std::string evidence) {
    Finding f;
    f.rule = id;
    f.where = locate(place);
    f.evidence = std::move(evidence);
    const auto* rule = find_structure(id);
    // A reader that names a rule nobody wrote must not pass unseen.
    f.severity = rule != nullptr ? rule->severity : Severity::suspicious;
    f.message = rule != nullptr ? std::string{rule->says} : "An oddity that no rule explains.";
    if (rule == nullptr) return f;
    f.remediation = rule->remedy;
    f.references.assign(rule->references.begin(), rule->references.end());
    return f;
  }
  void say(std::string_view id, const Place& place, std::string evidence, std::string_view about = {}) {
    auto f = structural(id, place, std::move(evidence));
    if (!about.empty()) f.message += " " + std::string{about};
    add(std::move(f));
  }
  void say(const Rule& rule, Severity severity, const Place& place, std::string evidence, std::string message) {
    Finding f;
    f.rule = rule.id;
    f.severity = severity;
    f.where = locate(place);
    f.message = std::move(message);
    f.evidence = std::move(evidence);
    f.remediation = rule.remedy;
    f.references.assign(rule.references.begin(), rule.references.end());
    add(std::move(f));
  }

  // --- Calls ------------------------------------------------------------------------------------

  static std::string evidence_of(const Call& call) {
    switch (call.kind) {
      case Call::Kind::newobj:
      case Call::Kind::newobj_ex: return written_call(call.callee, call.args);
      case Call::Kind::build:
        return "BUILD " + written(call.callee, 120) + " with " + (call.args.empty() ? "?" : written(call.args[0]));
      case Call::Kind::append:
      case Call::Kind::add:
        return written(call.callee, 120) + (call.kind == Call::Kind::append ? ".append(…)" : ".add(…)");
      case Call::Kind::setitem:
        return written(call.callee, 120) + "[" + (call.args.empty() ? "?" : written(call.args[0], 60)) +
               "] = " + (call.args.size() > 1 ? written(call.args[1], 120) : "?");
      case Call::Kind::persistent:
        return "persistent_load(" + (call.args.empty() ? std::string{"?"} : written(call.args[0])) + ")";
      default: return written_call(call.callee, call.args);
    }
  }

  /// "Loading it runs a shell command: `true`."
  static std::string sink_message(const Verdict& verdict, const Call& call) {
    std::string out = "Loading it ";
    out += verdict.rule != nullptr ? std::string{verdict.rule->says}
                                   : "calls " + printable(verdict.name, 120) + ", which your policy forbids";
    const auto* first = call.args.empty() ? nullptr : &call.args[0];
    if (first != nullptr && (first->kind == Expr::Kind::text || first->kind == Expr::Kind::bytes) &&
        !first->text.empty())
      out += ": `" + printable(first->text, 120) + "`";
    else out += " (" + printable(verdict.name, 120) + ")";
    return out + ".";
  }

  void judge(const Call& call) {
    switch (call.kind) {
      case Call::Kind::reduce:
      case Call::Kind::inst:
      case Call::Kind::obj: return judge_callable(call);
      case Call::Kind::newobj:
      case Call::Kind::newobj_ex: return judge_new(call);
      case Call::Kind::build: return judge_build(call);
      case Call::Kind::append:
      case Call::Kind::setitem:
      case Call::Kind::add: return judge_change(call);
      case Call::Kind::persistent: return judge_persistent(call);
    }
  }

  void judge_callable(const Call& call) {
    auto verdict = judge_call(call.callee, call.args, listed_);
    if (call.sampled && verdict.rule != nullptr && !verdict.rule->condition.empty() &&
        verdict.weight < Weight::unknown) {
      verdict.weight = Weight::unknown;  // some calls' arguments were not kept
      verdict.condition_failed = true;
    }
    // dill asks for its own setattr and hands over the built-in one as a default that is never used.
    const bool asks_dill = call.args.size() == 3 && call.args[0].kind == Expr::Kind::symbol &&
                           call.args[0].text == "dill" && call.args[0].name == "_dill" &&
                           call.args[2].kind == Expr::Kind::symbol;
    if (asks_dill && call.args[2].name == "setattr") called_.insert("builtins.setattr");
    remember_callee(call);
    weigh(call, verdict, "pickle.call.unknown");
  }

  void judge_new(const Call& call) {
    auto verdict = judge_class(call.callee, listed_);
    // A class that is harmless only with some arguments is made with these.
    if (verdict.weight == Weight::harmless && verdict.rule != nullptr && !verdict.rule->condition.empty())
      verdict = judge_call(call.callee, call.args, listed_);
    weigh(call, verdict, "pickle.class.unknown");
  }

  void weigh(const Call& call, const Verdict& verdict, std::string_view unknown_id) {
    remember(verdict);
    const auto name = printable(verdict.name, 160);
    switch (verdict.weight) {
      case Weight::harmless: return judge_handed_over(call, handed_over(verdict.rule, call.args, listed_));
      case Weight::library: {
        const auto library =
            verdict.rule != nullptr && !verdict.rule->library.empty() ? std::string{verdict.rule->library} : name;
        if (!libraries_.insert({call.place.member, library}).second) return;  // one sentence per library and member
        return say("pickle.library", call.place, evidence_of(call), "The library: " + library + ".");
      }
      case Weight::own:
        if (!libraries_.insert({call.place.member, name}).second) return;
        return say(verdict.rule != nullptr ? "pickle.import.unknown" : "pickle.class.own", call.place,
                   evidence_of(call), "The name: " + name + ".");
      case Weight::unknown:
        if (verdict.condition_failed && verdict.rule != nullptr)
          return say(
              *verdict.rule, Severity::suspicious, call.place, evidence_of(call),
              "Loading it " + std::string{verdict.rule->says} + "; what that leads to is not clear from the file.");
        return say(unknown_id, call.place, evidence_of(call), "The name: " + name + ".");
      case Weight::sink:
        if (verdict.rule != nullptr)
          return say(*verdict.rule, Severity::unsafe, call.place, evidence_of(call), sink_message(verdict, call));
        auto f = structural("pickle.call.unknown", call.place, evidence_of(call));
        f.severity = Severity::unsafe;
        f.message = sink_message(verdict, call);
        add(std::move(f));
    }
  }

  void judge_build(const Call& call) {
    const auto state = call.args.empty() ? Expr{} : call.args[0];
    if (makes_partial(call.callee)) return judge_partial_state(call, state);
    if (const auto changed = resolve(call.callee)) {  // a name, or what a resolver made of one
      const auto target = judge_name(changed->text, changed->name, listed_);
      const bool harm = target.weight == Weight::sink || sink_inside(state, listed_);
      remember(target);
      return say(harm ? "pickle.build.sink" : "pickle.build.import", call.place, evidence_of(call));
    }
    if (call.callee.kind == Expr::Kind::persistent || call.callee.kind == Expr::Kind::unknown ||
        call.callee.kind == Expr::Kind::extension)
      return say("pickle.build.import", call.place, evidence_of(call));
    if (const auto sink = sink_inside(state, listed_)) {
      remember(*sink);
      return say("pickle.build.sink", call.place, evidence_of(call),
                 "The function: " + printable(sink->name, 120) + ".");
    }
    if (replaces_method(state, 0)) say("pickle.build.special", call.place, evidence_of(call));
    judge_state(call, state);
  }

  /// What a harmless object is given may be called by it: a partial's function, a logger's filter.
  void judge_state(const Call& call, const Expr& state) {
    const auto maker = call.callee.items.empty() ? std::nullopt : resolve(call.callee.items[0]);
    if (!maker) return;
    const auto verdict = judge_name(maker->text, maker->name, listed_);
    if (verdict.weight == Weight::harmless || (verdict.rule != nullptr && verdict.rule->effect == Effect::resolves))
      judge_handed_over(call, handed_over(state, listed_));
  }
  /// A partial's state without its function, which was judged where the partial was made.
  static Expr rest_of(Expr state) {
    if (state.kind == Expr::Kind::tuple && !state.items.empty()) state.items.erase(state.items.begin());
    return state;
  }

  void judge_handed_over(const Call& call, const std::optional<Verdict>& handed) {
    if (handed)
      say("pickle.handed-over", call.place, evidence_of(call),
          "What it hands over: " + printable(handed->name, 120) + ".");
  }

  static bool makes_partial(const Expr& value) {
    if (value.kind != Expr::Kind::call || value.items.empty()) return false;
    const auto maker = resolve(value.items[0]);
    return maker && (maker->text == "functools" || maker->text == "_functools") && maker->name == "partial";
  }
  /// The state of a partial is another function to call: (function, arguments, keywords, attributes).
  void judge_partial_state(const Call& call, const Expr& state) {
    if (const auto sink = sink_inside(state, listed_)) {
      remember(*sink);
      return say("pickle.build.sink", call.place, evidence_of(call),
                 "The function: " + printable(sink->name, 120) + ".");
    }
    if (!keeps_its_function(call.callee, state)) return say("pickle.build.partial", call.place, evidence_of(call));
    weigh(call, judge_call(call.callee.items[0], std::span{state.items}.first(1), listed_), "pickle.call.unknown");
    judge_handed_over(call, handed_over(rest_of(state), listed_));
  }

  /// A key like __setstate__ or __class__ whose value is not plain data.
  static bool replaces_method(const Expr& state, unsigned depth) {
    if (depth > 3) return false;
    if (state.kind == Expr::Kind::tuple)
      return std::any_of(state.items.begin(), state.items.end(),
                         [&](const Expr& e) { return replaces_method(e, depth + 1); });
    if (state.kind != Expr::Kind::dict) return false;
    for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
      const auto& key = state.items[i];
      const auto& value = state.items[i + 1];
      const bool special = key.kind == Expr::Kind::text && key.text.starts_with("__") && key.text.ends_with("__");
      const bool callable =
          value.kind == Expr::Kind::symbol || value.kind == Expr::Kind::call || value.kind == Expr::Kind::unknown;
      const bool everyday = key.text == "__orig_class__" || key.text == "__dict__" ||
                            key.text.starts_with("__pydantic_") || key.text == "__fields_set__" ||
                            key.text == "__wrapped__" || key.text == "__module__" || key.text == "__doc__" ||
                            key.text == "__qualname__";
      if (special && callable && !everyday) return true;
    }
    return false;
  }

  void judge_change(const Call& call) {
    const auto& target = call.callee;
    if (target.kind == Expr::Kind::symbol) {
      const auto verdict = judge_name(target.text, target.name, listed_);
      remember(verdict);
      if (verdict.weight == Weight::sink && verdict.rule != nullptr)
        return say(*verdict.rule, Severity::unsafe, call.place, evidence_of(call),
                   "Loading it changes " + printable(verdict.name, 120) + ".");
      return say("pickle.method.import", call.place, evidence_of(call));
    }
    if (target.kind == Expr::Kind::persistent || target.kind == Expr::Kind::unknown ||
        target.kind == Expr::Kind::extension)
      return say(call.kind == Call::Kind::setitem ? "torch.setitem-on-non-dict" : "pickle.method.import", call.place,
                 evidence_of(call));
    if (target.items.empty()) return;
    const auto& maker = target.items[0];
    if (call.kind != Call::Kind::setitem) return judge_append(call, maker);
    const bool rebuilt = maker.text == "torch._utils" && maker.name.starts_with("_rebuild_");
    const bool tensor = maker.text == "torch" && (maker.name == "Tensor" || maker.name.ends_with("Storage"));
    if (maker.kind == Expr::Kind::symbol && (rebuilt || tensor || maker.name == "Parameter"))
      say("torch.setitem-on-non-dict", call.place, evidence_of(call));
  }

  /// APPENDS calls what stands under "extend" or "append", ADDITEMS what stands under "add": attributes that a state
  /// can set.
  void judge_append(const Call& call, const Expr& maker) {
    const auto cls = judge_class(maker, listed_);
    if (cls.weight == Weight::harmless && !makes_collection(maker))
      say("pickle.append.odd", call.place, evidence_of(call));
  }

  void judge_persistent(const Call& call) {
    const auto& id = call.args.empty() ? kUnknown : call.args[0];
    const bool storage = id.kind == Expr::Kind::tuple && id.items.size() >= 5 && id.items.size() <= 6 &&
                         id.items[0].kind == Expr::Kind::text && id.items[0].text == "storage" &&
                         id.items[1].kind == Expr::Kind::symbol && id.items[1].name.ends_with("Storage") &&
                         id.items[2].kind == Expr::Kind::text && id.items[4].kind == Expr::Kind::integer;
    // The oldest torch layout hands over plain keys.
    const bool tar_key = is_torch_tar_ && (id.kind == Expr::Kind::text || id.kind == Expr::Kind::integer);
    const bool module = id.kind == Expr::Kind::tuple && id.items.size() == 4 && id.items[0].kind == Expr::Kind::text &&
                        id.items[0].text == "module" &&
                        id.items[1].kind == Expr::Kind::symbol;  // old torch: class and source
    if (!storage && !tar_key && !module) say("pickle.persistent", call.place, evidence_of(call));
  }

  // --- Names ------------------------------------------------------------------------------------

  void remember(const Verdict& verdict) { called_.insert(verdict.name); }
  /// What is called is not merely looked up, whatever it leads to.
  void remember_callee(const Call& call) {
    if (call.callee.kind == Expr::Kind::symbol) remember(judge_name(call.callee.text, call.callee.name, listed_));
  }

  /// Prose may happen to begin like a pickle that looks a name up. Only a dangerous name is believed there,
  /// and one that exists: listed itself, or cut off right behind it, or the only one looked up.
  bool is_prose(const format::Import& import, const Verdict& verdict, const Found& found) const {
    const auto* weak = weak_pickle_at(import.place);
    if (weak == nullptr || weak->has_calls) return false;
    return verdict.weight != Weight::sink || (found.match != Match::exact && weak->names > 1);
  }

  /// A pickle without PROTO that broke off.
  struct Weak {
    std::uint64_t begin, end;  ///< offsets in its member
    bool has_calls = false;
    std::size_t names = 0;  ///< looked up
  };
  const Weak* weak_pickle_at(const Place& place) const {
    const auto member = weak_.find(place.member);
    if (member == weak_.end()) return nullptr;
    const auto& all = member->second;
    const auto it = std::find_if(all.begin(), all.end(),
                                 [&](const Weak& w) { return place.offset >= w.begin && place.offset < w.end; });
    return it == all.end() ? nullptr : &*it;
  }
  /// What is asked of each of thousands of facts is looked up once.
  void survey() {
    for (const auto& p : d_.pickles)
      if (p.weak && !p.stopped) weak_[p.place.member].push_back({p.place.offset, p.end});
    const auto weak_at = [&](const Place& place) { return const_cast<Weak*>(weak_pickle_at(place)); };
    for (const auto& call : d_.calls)
      if (auto* weak = weak_at(call.place)) weak->has_calls = true;
    for (const auto& import : d_.imports)
      if (auto* weak = weak_at(import.place)) ++weak->names;
    for (const auto& stop : d_.stops) broken_.insert(stop.place.member);
    for (const auto& quirk : d_.quirks) is_torch_tar_ |= quirk.id == "torch.legacy-tar";
  }

  void judge(const format::Import& import) {
    auto verdict = judge_name(import.module, import.name, listed_);
    const auto found = find_rule(import.module, import.name);
    const auto evidence = printable(verdict.name, 200) +
                          (import.written.empty() ? "" : " (written as " + printable(import.written, 120) + ")");
    const bool resolver =
        found.rule != nullptr && found.match != Match::class_prefix && found.rule->effect == Effect::resolves;
    if (is_prose(import, verdict, found)) return;
    label(import, verdict);
    if (!import.resolved) return say("pickle.unresolved-name", import.place, evidence);
    if (called_.contains(verdict.name)) return;
    switch (verdict.weight) {
      case Weight::harmless: return;
      case Weight::own: return;  // judged where it is used; merely naming one's own class does nothing
      case Weight::library:
        if (found.rule != nullptr && libraries_.insert({import.place.member, std::string{found.rule->library}}).second)
          say("pickle.library", import.place, evidence, "The library: " + std::string{found.rule->library} + ".");
        return;
      case Weight::unknown:
        if (resolver) return;
        if (verdict.condition_failed) return say("pickle.import.sink", import.place, evidence);
        if (found.match == Match::class_prefix) {
          if (libraries_.insert({import.place.member, std::string{found.rule->library}}).second)
            say("pickle.library", import.place, evidence, "The library: " + std::string{found.rule->library} + ".");
          return;
        }
        return say("pickle.import.unknown", import.place, evidence, "The name: " + printable(verdict.name, 160) + ".");
      case Weight::sink: {
        auto f = structural("pickle.import.sink", import.place, evidence);
        if (verdict.rule != nullptr) {
          f.message = "It looks up a function that " + std::string{verdict.rule->says} + " (" +
                      printable(verdict.name, 120) + "), without calling it here.";
          f.references.assign(verdict.rule->references.begin(), verdict.rule->references.end());
        }
        return add(std::move(f));
      }
    }
  }

  void label(const format::Import& import, const Verdict& verdict) {
    finding::ImportLabel l{import.module, import.name, finding::Safety::suspicious, {}};
    if (verdict.weight == Weight::harmless) l.safety = finding::Safety::innocuous;
    if (verdict.weight == Weight::sink) l.safety = finding::Safety::dangerous;
    if (verdict.rule != nullptr) l.why = verdict.rule->says;
    else if (verdict.weight == Weight::own) l.why = "needs your own code";
    else l.why = "no rule knows it";
    if (labelled_.insert(import.module + "\n" + import.name).second) out_.imports.push_back(std::move(l));
  }

  // --- Structure --------------------------------------------------------------------------------

  void judge(const format::Quirk& quirk) {
    auto f = structural(quirk.id, quirk.place, printable(quirk.detail, 200));
    if (quirk.id == "json.names-code") weigh_configuration(quirk.detail, f);
    add(std::move(f));
  }

  /// "model._target_ = os.system": what a configuration makes a loader call.
  void weigh_configuration(std::string_view detail, Finding& f) const {
    const auto at = detail.find(" = ");
    if (at == detail.npos) return;
    const auto path = detail.substr(at + 3);
    const auto dot = path.rfind('.');
    if (dot == path.npos) return;
    const auto verdict = judge_name(path.substr(0, dot), path.substr(dot + 1), listed_);
    if (verdict.weight != Weight::sink || verdict.rule == nullptr) return;
    f.severity = Severity::unsafe;
    f.message = "A loader that follows this configuration " + std::string{verdict.rule->says} + ": it names " +
                printable(path, 120) + ".";
    f.remediation = verdict.rule->remedy;
  }

  void judge(const format::Stop& stop) {
    std::string_view id = "read.stopped";
    if (stop.code == Errc::unsupported) id = "read.unsupported";
    if (stop.code == Errc::encrypted) id = "read.encrypted";
    if (stop.code == Errc::limit_reached) id = "read.limit";
    if (stop.code == Errc::io) id = "read.unreadable";
    if (stop.code == Errc::changed) id = "read.changed";
    if (stop.code == Errc::crashed) id = "read.crashed";
    if (stop.reader == "facts") id = "read.too-many-facts";
    auto f = structural(id, stop.place, printable(stop.reader, 60) + ": " + printable(stop.what, 200));
    if (f.message.ends_with('.')) f.message.pop_back();
    f.message += ": " + printable(stop.what, 200) + ".";
    add(std::move(f));
  }

  void judge_coverage() {
    std::set<std::string> told;
    for (std::uint32_t i = 0; i < d_.members.size(); ++i) {
      const auto& m = d_.members[i];
      if (m.coverage.complete()) continue;
      // Where a reader broke off, that is the reason, and an error already.
      if (broken_.contains(i)) continue;
      for (const auto& hole : m.coverage.unexamined) {
        auto f = structural("coverage.unexamined", {i, hole.extent.begin}, printable(hole.reason, 200));
        f.message = "Not examined: " + printable(hole.reason, 200) + ".";
        add(std::move(f));
        if (told.insert(hole.reason).second) out_.unscanned.push_back(hole.reason);
      }
    }
  }

  /// Whether a member is only there for who digs it out: inside a constant that nothing loads, or in bytes
  /// that belong to nobody.
  bool is_hidden(std::uint32_t member) const {
    for (auto i = member; i != 0; i = d_.members[i].parent) {
      const auto& m = d_.members[i];
      if (m.role == "unowned bytes") return true;
      if ((m.role == "byte string" || m.role == "base64 text") && !loaders_.contains(m.parent)) return true;
    }
    return false;
  }

  /// What no loader of this file reaches does no harm by itself.
  void judge_hidden() {
    for (const auto& call : d_.calls) {
      const auto target = resolve(call.callee);
      const auto found = target ? find_rule(target->text, target->name) : Found{};
      const bool loads =
          found.rule != nullptr && found.match != Match::class_prefix && found.rule->effect == Effect::loads;
      if (loads) loaders_.insert(call.place.member);
    }
    for (auto& f : out_.findings) {
      const auto member = members_.find(f.where.member);
      if (f.severity != Severity::unsafe || member == members_.end() || !is_hidden(member->second)) continue;
      f.severity = Severity::suspicious;
      f.message += " Loading the file does not reach it; whatever digs it out would.";
    }
  }

  static inline const Expr kUnknown{};
  const Document& d_;
  const Listed& listed_;
  Judgement out_;
  std::map<std::string, std::size_t> counts_;
  std::set<std::string> called_;
  std::set<std::pair<std::uint32_t, std::string>> libraries_;
  std::set<std::string> labelled_;
  std::map<std::uint32_t, std::vector<Weak>> weak_;  ///< by member
  std::unordered_set<std::uint32_t> broken_;         ///< members whose reader stopped early
  bool is_torch_tar_ = false;
  std::set<std::uint32_t> loaders_;               ///< members in which something loads pickles from bytes
  std::map<std::string, std::uint32_t> members_;  ///< by path, of findings' places
};

}  // namespace

Judgement detect(const Document& document, const Listed& listed) { return Judge{document, listed}.run(); }

format::Care care(std::string_view module, std::string_view name) {
  using format::Care;
  const auto found = find_rule(module, name);
  if (found.rule == nullptr) return Care::result;
  if (found.match == Match::class_prefix) return Care::none;
  const auto& rule = *found.rule;
  const bool harmless = rule.effect == Effect::value || rule.effect == Effect::library;
  if (!harmless || binds_function(rule) || rule.condition == "type-of") return Care::result;
  return rule.condition.empty() ? Care::none : Care::arguments;
}

}  // namespace assay::detect
