#include "format/member_facts.h"

namespace assay::format {
namespace {

constexpr std::size_t kMostPickles = 1000;  ///< per member, of those that are whole; records may be pickled one by one
constexpr std::size_t kMostQuirksOfAKind = 20;  ///< per member; the rest only says how many there were

void append_key(std::string& key, const Expr& e) {
  key += static_cast<char>('A' + static_cast<int>(e.kind));
  key += e.cut ? '~' : '.';
  key += std::to_string(e.size);
  key.append("\x1f").append(e.text).append("\x1f").append(e.name);
  for (const auto& item : e.items) append_key(key, item);
  key += ')';
}

}  // namespace

bool MemberFacts::pay(std::uint64_t offset, std::uint64_t facts) {
  if (overflowed_) return false;
  if (auto paid = budget_.charge(bytes::Line::facts, facts, offset); !paid) {
    overflowed_ = true;
    document_.stops.push_back({at(offset), 0, "facts", paid.error().code, std::string{paid.error().what}});
    return false;
  }
  return true;
}

std::optional<std::size_t> MemberFacts::add(Import import) {
  auto key = import.module + "\n" + import.name + (import.resolved ? "" : "?");
  const auto known = imports_.find(key);
  if (known != imports_.end()) {
    auto& fact = document_.imports[known->second];
    fact.count += import.count;
    fact.profiles |= import.profiles;
    return known->second;
  }
  if (!pay(import.place.offset)) return std::nullopt;
  imports_.emplace(std::move(key), document_.imports.size());
  document_.imports.push_back(std::move(import));
  return document_.imports.size() - 1;
}

std::optional<std::size_t> MemberFacts::add(Call call) {
  std::string key;
  key += static_cast<char>('a' + static_cast<int>(call.kind));
  append_key(key, call.callee);
  for (const auto& arg : call.args) append_key(key, arg);
  const auto known = calls_.find(key);
  if (known != calls_.end()) {
    auto& fact = document_.calls[known->second];
    fact.count += call.count;
    fact.profiles |= call.profiles;
    return known->second;
  }
  // A call with kilobytes of arguments costs as much as many small ones.
  constexpr std::size_t kBytesPerFact = 256;
  if (!pay(call.place.offset, 1 + key.size() / kBytesPerFact)) return std::nullopt;
  calls_.emplace(std::move(key), document_.calls.size());
  document_.calls.push_back(std::move(call));
  return document_.calls.size() - 1;
}

void MemberFacts::add(Pickle pickle) {
  if (pickle.stopped && ++pickles_ > kMostPickles) return;
  if (pay(pickle.place.offset)) document_.pickles.push_back(std::move(pickle));
}

void MemberFacts::add(Checkpoint checkpoint) { document_.checkpoints.push_back(std::move(checkpoint)); }

void MemberFacts::quirk(std::string_view id, std::uint64_t offset, std::string detail, Profiles profiles) {
  if (++quirks_[std::string{id}] > kMostQuirksOfAKind || !pay(offset)) return;
  document_.quirks.push_back({at(offset), profiles, std::string{id}, std::move(detail)});
}

void MemberFacts::stop(std::string_view reader, const Error& error, Profiles profiles) {
  if (!pay(error.offset)) return;
  document_.stops.push_back({at(error.offset), profiles, std::string{reader}, error.code, std::string{error.what}});
}

}  // namespace assay::format
