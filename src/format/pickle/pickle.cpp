#include "format/pickle/pickle.h"

namespace assay::format::pickle {
namespace {

constexpr std::size_t kSearchBlock = 256 << 10;  ///< bytes searched at once
constexpr std::size_t kSearchOverlap = 512;      ///< bytes a beginning may need to be recognised

bool is_name_start(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
bool is_name_rest(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

/// A dotted identifier at the start of `s` that a newline ends; its length without the newline, or 0.
std::size_t name_line(std::string_view s) noexcept {
  bool at_start = true;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\n') return at_start ? 0 : i;
    if (at_start ? !is_name_start(s[i]) : s[i] != '.' && !is_name_rest(s[i])) return 0;
    at_start = s[i] == '.';
  }
  return 0;
}

bool is_importable(const Import& import) {
  const auto module = import.module + "\n", name = import.name + "\n";
  return name_line(module) > 0 && name_line(name) > 0;
}

void claim(const FactSink& sink, MemberFacts& facts, std::uint64_t begin, std::uint64_t end) {
  auto at = begin;
  for (const auto& data : sink.inline_data()) {
    facts.coverage.claim(bytes::Cover::parsed, at, std::min(data.begin, end));
    facts.coverage.claim_tensor(data.begin, data.end);
    at = std::max(at, data.end);
  }
  facts.coverage.claim(bytes::Cover::parsed, at, end);
}

Care careful(std::string_view, std::string_view) { return Care::result; }
Care careless(std::string_view, std::string_view) { return Care::none; }

/// Facts that may turn out to be about nothing: prose that looks like a pickle. They are not charged to the artifact.
class Trial {
 public:
  Trial(MemberFacts& real, Care care)
      : budget_{real.budget()},
        facts_before_{budget_.left(bytes::Line::facts)},
        facts{scratch, real.member(), budget_, care == Care::none ? &careless : &careful} {}
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial() { end(); }
  /// From here on facts are paid for again.
  void end() noexcept {
    if (facts_before_) budget_.restore(bytes::Line::facts, *std::exchange(facts_before_, std::nullopt));
  }

 private:
  bytes::Budget& budget_;
  std::optional<std::uint64_t> facts_before_;

 public:
  Document scratch;
  MemberFacts facts;
};

void move_facts(Document& from, MemberFacts& to, bool with_stops) {
  for (auto& f : from.imports) to.add(std::move(f));
  for (auto& f : from.calls) to.add(std::move(f));
  for (auto& f : from.pickles) to.add(std::move(f));
  for (auto& f : from.quirks) to.quirk(f.id, f.place.offset, std::move(f.detail), f.profiles);
  if (!with_stops) return;
  for (auto& f : from.stops) to.stop(f.reader, {f.code, f.place.offset, "the pickle breaks off"}, f.profiles);
}

}  // namespace

bool starts_binary(bytes::View head) noexcept {
  return head.size() >= 2 && head[0] == std::byte{0x80} && std::to_integer<unsigned>(head[1]) <= 5;
}

bool starts_with_name(bytes::View head) noexcept {
  auto s = bytes::text(head);
  while (!s.empty() && (s[0] == '(' || s[0] == ']' || s[0] == '}')) s.remove_prefix(1);
  if (s.size() < 5 || (s[0] != 'c' && s[0] != 'i')) return false;
  s.remove_prefix(1);
  const auto module = name_line(s);
  return module > 0 && name_line(s.substr(module + 1)) > 0;
}

Outcome read_one(const bytes::Source& source, std::uint64_t offset, MemberFacts& facts, FactSink& sink, bool weak) {
  Machine machine{source, facts.budget(), sink};
  const auto ends = machine.run(offset);
  Outcome out{false, offset, sink.calls(), sink.imports(), ends.front().protocol};
  std::uint64_t furthest = offset, opcodes = 0;
  Profiles reached = 0;
  for (const auto& end : ends) {
    furthest = std::max(furthest, end.offset);
    opcodes = std::max(opcodes, end.opcodes);
    if (!end.stopped || (end.profiles & kLoaders) == 0) continue;
    reached |= end.profiles;
    out.end = std::max(out.end, end.offset);
  }
  out.stopped = reached != 0;
  if (!out.stopped) {
    out.end = furthest;
    const FactSink::Ended* last = nullptr;
    for (const auto& e : sink.ended())
      if (last == nullptr || e.error.offset > last->error.offset) last = &e;
    if (last != nullptr) facts.stop("pickle", last->error, last->profiles);
    facts.coverage.miss(out.end, source.size(), "the pickle before these bytes breaks off");
  }
  claim(sink, facts, offset, out.end);
  facts.add(Pickle{facts.at(offset), out.end, out.stopped ? reached : ends.front().profiles, out.protocol, out.stopped,
                   weak, opcodes});
  return out;
}

namespace {

/// What a trial showed.
struct Tried {
  Outcome outcome;
  bool gets_somewhere =
      false;  ///< a call is made, a name that Python could import is looked up, or a limit was reached
};

/// Reads the pickle at `offset` on trial. Its facts are kept where `keeps` of what it showed says so.
template <class Keeps>
Tried try_at(const bytes::Source& source, std::uint64_t offset, MemberFacts& facts, bool weak, Keeps keeps) {
  Trial trial{facts, Care::result};
  FactSink sink{trial.facts};
  auto& scratch = trial.scratch;
  Tried out{read_one(source, offset, trial.facts, sink, weak)};
  const bool importable = std::any_of(scratch.imports.begin(), scratch.imports.end(), is_importable);
  // What was not read to its end because it costs too much may hold anything.
  const bool limited = std::any_of(scratch.stops.begin(), scratch.stops.end(),
                                   [](const Stop& s) { return s.code == Errc::limit_reached; });
  const auto calls = out.outcome.calls;
  out.gets_somewhere = importable || limited || (calls > 0 && out.outcome.stopped);
  if (!keeps(out)) return out;
  trial.end();  // paid for now, as they are kept
  // Prose that happens to look up a name and then makes no sense is not a damaged pickle.
  move_facts(scratch, facts, calls > 0 || limited);
  if (trial.facts.overflowed()) facts.stop("facts", {Errc::limit_reached, offset, "limit reached: facts"});
  for (auto& nested : trial.facts.nested) facts.nested.push_back(std::move(nested));
  claim(sink, facts, offset, out.outcome.end);
  return out;
}

/// Plain values that were pickled one behind the other without PROTO: prose may look like one ("N."), and loaders load
/// the next one when they are asked again. They are pickles once one of them does something, or nothing else follows.
class Row {
 public:
  Row(const bytes::Source& source, MemberFacts& facts) : source_{source}, facts_{facts} {}
  bool empty() const { return waiting_.empty(); }
  void add(std::uint64_t begin, std::uint64_t end) { waiting_.push_back({begin, end}); }
  void believe() {
    for (const auto& extent : waiting_) {
      FactSink sink{facts_};
      (void)read_one(source_, extent.begin, facts_, sink, true);
    }
    waiting_.clear();
  }

 private:
  const bytes::Source& source_;
  MemberFacts& facts_;
  std::vector<bytes::Extent> waiting_;
};

}  // namespace

std::optional<std::uint64_t> read_all(const bytes::Source& source, std::uint64_t offset, MemberFacts& facts,
                                      Trust trust) {
  std::optional<std::uint64_t> last;
  Row row{source, facts};
  for (auto at = offset; at < source.size();) {
    const auto head = bytes::read_up_to(source, at, 2);
    if (!head || !facts.budget().check_time(at)) break;
    const bool binary = starts_binary(*head);
    Outcome out;
    const bool believed = last ? binary : trust == Trust::sure || (trust == Trust::magic && binary);
    if (row.empty() && believed) {
      FactSink sink{facts};
      out = read_one(source, at, facts, sink, false);
    } else {
      const auto convinces = [&](const Tried& t) { return t.gets_somewhere || (binary && t.outcome.stopped); };
      auto paid = facts.budget().charge(bytes::Line::probes, 1, at);
      const auto tried = paid ? try_at(source, at, facts, !binary, convinces) : Tried{};
      out = tried.outcome;
      const bool ends_here = out.stopped && out.end == source.size();
      if (!paid) facts.stop("pickle", paid.error());
      else if (!convinces(tried) && (!out.stopped || out.end <= at)) break;  // prose
      else if (!convinces(tried)) row.add(at, out.end);
      if (!paid || ends_here || convinces(tried)) {
        row.believe();
        last = paid ? out.end : at;
      }
      if (!paid) break;
      at = out.end;
      if (!out.stopped) break;
      continue;
    }
    last = out.end;
    if (!out.stopped || out.end <= at) break;
    at = out.end;
  }
  return last;
}

Result<std::optional<std::uint64_t>> find_start(const bytes::Source& source, std::uint64_t from, std::uint64_t to,
                                                MemberFacts& facts) {
  const auto gets_somewhere = [&](std::uint64_t at) -> Result<bool> {
    TRY(facts.budget().charge(bytes::Line::probes, 1, at));
    Trial trial{facts, Care::none};
    FactSink sink{trial.facts};
    const auto& scratch = trial.scratch;
    const auto out = read_one(source, at, trial.facts, sink, true);
    // A thousand starts that all read on to the end of the file are a million opcodes each.
    constexpr std::uint64_t kOpcodesPerProbe = 32;
    const auto opcodes = scratch.pickles.empty() ? 0 : scratch.pickles.front().opcodes;
    TRY(facts.budget().charge(bytes::Line::probes, opcodes / kOpcodesPerProbe, at));
    return (out.calls > 0 || out.stopped) && std::any_of(scratch.imports.begin(), scratch.imports.end(), is_importable);
  };
  for (auto at = from; at < to;) {
    const auto block = TRY(bytes::read_up_to(source, at, std::min<std::uint64_t>(kSearchBlock, to - at)));
    TRY(facts.budget().check_time(at));
    if (block.empty()) break;
    const bytes::View all{block};
    const bool last_block = at + block.size() >= to;
    const auto stop = last_block || block.size() <= kSearchOverlap ? block.size() : block.size() - kSearchOverlap;
    const auto text = bytes::text(all);
    for (std::size_t i = 0; i < stop; ++i) {
      const char c = text[i];
      if (c == '\x80') {
        if (!starts_binary(all.subspan(i))) continue;
      } else if (c == 'c' || c == '(') {
        if (!starts_with_name(all.subspan(i, std::min(kSearchOverlap, all.size() - i)))) continue;
      } else {
        continue;
      }
      if (TRY(gets_somewhere(at + i))) return std::optional{at + i};
    }
    at += stop;
  }
  return std::optional<std::uint64_t>{};
}

}  // namespace assay::format::pickle
