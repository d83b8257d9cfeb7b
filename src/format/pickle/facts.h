// Turns what the machine tells into facts of the document.
#pragma once
#include <array>
#include <vector>

#include "format/member_facts.h"
#include "format/pickle/machine.h"

namespace assay::format::pickle {

/// Collects imports, calls and nested bytes of one pickle. Offsets are those of the machine's source plus
/// `base`, so that they count from the member's start.
class FactSink : public Sink {
 public:
  explicit FactSink(MemberFacts& facts, std::uint64_t base = 0) : facts_{facts}, base_{base} {}

  void on_import(Machine& m, std::uint32_t symbol, std::uint64_t offset, Op op) override;
  void on_call(Machine& m, const CallSite& site) override;
  std::optional<bytes::Extent> on_inline_data(Machine& m, const Value& target, const Value& state,
                                              std::uint64_t offset) override;
  void on_literal(Machine& m, const Value& literal, std::string_view head) override;
  void on_quirk(Machine& m, std::string_view id, std::uint64_t offset, Profiles profiles, std::string detail) override;
  void on_stop(Machine& m, Profiles profiles, const Error& error) override;

  struct Ended {
    Profiles profiles;
    Error error;
  };
  /// Readings that broke, in the order in which they did.
  const std::vector<Ended>& ended() const { return ended_; }
  std::uint64_t calls() const { return calls_; }
  std::uint64_t imports() const { return imports_; }
  /// Bytes inside the pickle that are array data (joblib), not opcodes.
  const std::vector<bytes::Extent>& inline_data() const { return inline_data_; }

 protected:
  MemberFacts& facts() { return facts_; }
  std::uint64_t base() const { return base_; }
  Place at(std::uint64_t offset) const { return facts_.at(base_ + offset); }

 private:
  static constexpr std::size_t kKinds = kLastCallKind + 1;
  static constexpr std::uint8_t kExamples = 2;  ///< calls kept where the arguments do not matter
  struct Sampled {
    std::array<std::uint8_t, kKinds> kept{};
    std::array<std::uint32_t, kKinds> fact{};
    std::uint32_t import_fact = 0;
    bool imported = false;
    std::optional<Care> care;  ///< nothing: not asked yet
  };
  Sampled& sampled(Machine& m, std::uint32_t symbol);
  Care care(Machine& m, std::uint32_t symbol);
  /// Whether something that may be called is inside `v`. `left`: values that are still looked at.
  bool carries_callables(Machine& m, const Value& v, int& left);
  bool counts_only(Machine& m, const CallSite& site, std::optional<std::uint32_t>& symbol);
  bool is_storage_id(Machine& m, const Value& id) const;

  MemberFacts& facts_;
  std::uint64_t base_;
  std::vector<Sampled> sampled_;  ///< by symbol
  std::vector<Ended> ended_;
  std::vector<bytes::Extent> inline_data_;
  std::uint64_t calls_ = 0;
  std::uint64_t imports_ = 0;
  bool wrappers_ = false;  ///< a class was named whose objects joblib reads bytes for
  std::optional<std::uint32_t> storage_fact_;
};

}  // namespace assay::format::pickle
