// Where format readers write what they learn about one member, and what they found inside it.
#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "bytes/budget.h"
#include "bytes/coverage.h"
#include "bytes/source.h"
#include "format/care.h"
#include "format/document.h"

namespace assay::format {

/// Bytes inside a member that want to be examined as a member of their own.
struct Nested {
  std::string name;
  std::string role;                        ///< "byte string", "base64 text", "zip member"
  std::uint64_t offset = 0;                ///< of its bytes in the containing member
  std::uint64_t length = 0;                ///< bytes there; a window of the container unless `decoded`
  std::shared_ptr<bytes::Source> decoded;  ///< where the bytes had to be decoded first
};

/// Facts about one member of one artifact. Charges Line::facts; once that is spent the rest is dropped
/// and `overflowed` says so.
class MemberFacts {
 public:
  MemberFacts(Document& document, std::uint32_t member, bytes::Budget& budget, Caring caring)
      : document_{document}, member_{member}, budget_{budget}, caring_{caring} {}

  bytes::CoverageMap coverage;
  std::vector<Nested> nested;

  std::uint32_t member() const { return member_; }
  Place at(std::uint64_t offset) const { return {member_, offset}; }
  bytes::Budget& budget() { return budget_; }
  Document& document() { return document_; }
  Care care(std::string_view module, std::string_view name) const { return caring_(module, name); }
  bool overflowed() const { return overflowed_; }

  /// Adds to the count where the same name was imported before. Index of the fact, or nothing when spent.
  std::optional<std::size_t> add(Import import);
  /// Adds to the count where an equal call was made before.
  std::optional<std::size_t> add(Call call);
  void add(Pickle pickle);
  void add(Checkpoint checkpoint);
  void quirk(std::string_view id, std::uint64_t offset, std::string detail = {}, Profiles profiles = 0);
  void stop(std::string_view reader, const Error& error, Profiles profiles = 0);

 private:
  bool pay(std::uint64_t offset, std::uint64_t facts = 1);

  Document& document_;
  std::uint32_t member_;
  bytes::Budget& budget_;
  Caring caring_;
  bool overflowed_ = false;
  std::size_t pickles_ = 0;
  std::unordered_map<std::string, std::size_t> imports_;
  std::unordered_map<std::string, std::size_t> calls_;
  std::unordered_map<std::string, std::size_t> quirks_;
};

}  // namespace assay::format
