#include "format/pickle/machine.h"

#include <bit>

#include "format/pickle/interpreter.h"
#include "format/pickle/python2.h"

namespace assay::format::pickle {

Machine::Machine(const bytes::Source& source, bytes::Budget& budget, Sink& sink, Keep keep)
    : source_{source}, budget_{budget}, sink_{sink}, keep_{keep} {}

std::vector<End> Machine::run(std::uint64_t offset, Profiles profiles) {
  const auto better = [](const End& a, const End& b) {
    if (a.stopped != b.stopped) return a.stopped;
    return std::popcount(static_cast<unsigned>(a.profiles & kLoaders)) >
           std::popcount(static_cast<unsigned>(b.profiles & kLoaders));
  };
  std::vector<End> ends;
  waiting_.clear();
  forks_ = 0;
  waiting_.push_back(std::make_unique<Reading>(Cursor{source_, offset}, keep_));
  waiting_.back()->profiles = profiles;
  while (!waiting_.empty()) {
    auto reading = std::move(waiting_.back());
    waiting_.pop_back();
    now_ = reading.get();
    auto end = follow(*reading);
    const bool is_best = ends.empty() || better(end, ends.front());
    ends.insert(is_best ? ends.begin() : ends.end(), end);
    if (is_best) best_ = std::move(reading);
  }
  now_ = best_.get();
  return ends;
}

End Machine::follow(Reading& reading) {
  Interpreter interpreter{*this, reading};
  if (sink_.wants_opcodes()) interpreter.run<true>();
  else interpreter.run<false>();
  return interpreter.finish();
}

std::uint32_t Machine::intern(std::string_view module, std::string_view name, bool resolved, bool map_python2) {
  auto seen = std::pair{module, name};
  if (map_python2) seen = from_python2(module, name);
  std::string key;
  key.reserve(seen.first.size() + seen.second.size() + 2);
  key.append(seen.first).append("\n").append(seen.second);
  if (!resolved) key += '?';
  const auto [it, is_new] = symbol_numbers_.try_emplace(std::move(key), static_cast<std::uint32_t>(symbols_.size()));
  if (is_new) {
    Symbol s{std::string{seen.first}, std::string{seen.second}, {}, resolved};
    if (seen.first != module || seen.second != name) s.written.append(module).append(" ").append(name);
    symbols_.push_back(std::move(s));
  }
  return it->second;
}

}  // namespace assay::format::pickle
