#include "container/zip/oddities.h"

#include "base/text.h"
#include "container/zip/names.h"
#include "container/zip/zip.h"

namespace assay::container::zip {
namespace {

/// Flag bits that make some loader refuse the member: encrypted, patched, strong encryption, masked.
constexpr std::uint16_t kFlagsThatMatter = 0x2061;

std::string unknown_method(const Stated& stated) { return std::to_string(stated.method) + " " + cut(stated.name); }

}  // namespace

std::string cut(std::string_view name) { return std::string{name.substr(0, kMostNameBytes)}; }

std::string pair_of(std::string_view a, std::string_view b) { return cut(a) + " / " + cut(b); }

std::string numbers(std::uint64_t a, std::uint64_t b) { return std::to_string(a) + " " + std::to_string(b); }

Method to_method(std::uint16_t number) noexcept {
  switch (number) {
    case 0: return Method::stored;
    case 8: return Method::deflate;
    case 12: return Method::bzip2;
    case 14: return Method::zip_lzma;
    case 93: return Method::zstd;
    case 95: return Method::xz;
    default: return Method::unknown;
  }
}

void Oddities::note(std::string_view id, std::uint64_t at, std::string detail) {
  if (++noted_[id] <= kMostOfOneId) kept_.push_back({id, at, std::move(detail)});
}

void Oddities::check_name(const Stated& stated, std::uint64_t at) {
  if (!stated.unicode_name.empty() && stated.unicode_name != stated.name) {
    note(kNameDiffers, at, pair_of(stated.name, stated.unicode_name));
    if (escapes(stated.unicode_name)) note(kNameEscapes, at, cut(stated.unicode_name));
  }
  if (escapes(stated.name)) note(kNameEscapes, at, cut(stated.name));
  if (!is_utf8(stated.name)) note(kNameNotUtf8, at, cut(stated.name));
  if (stated.name.size() > kMostNameBytes) note(kNameLong, at, cut(stated.name));
}

void Oddities::check(const Stated& stated, std::uint64_t at) {
  if (stated.flags & kFlagEncryptedBit) note(kFlagEncrypted, at, cut(stated.name));
  if (stated.flags & kFlagOddBits) note(kFlagOdd, at, cut(stated.name));
  if (to_method(stated.method) == Method::unknown) note(kMethodUnknown, at, unknown_method(stated));
  if (stated.zip64_odd) note(kZip64Odd, at, cut(stated.name));
  if (stated.extra_odd) note(kExtraOdd, at, cut(stated.name));
}

void Oddities::compare(const Central& record, const Local& local, std::uint64_t at) {
  check(record, at);
  const bool streamed = (local.flags & kFlagDescriptorBit) != 0;
  if (record.name != local.name) {
    note(kNameDiffers, at, pair_of(record.name, local.name));
    check_name(local, at);
  }
  if (record.method != local.method) {
    note(kMethodDiffers, at, cut(record.name));
    if (to_method(local.method) == Method::unknown) note(kMethodUnknown, at, unknown_method(local));
  }
  const auto differs = [&](std::uint64_t listed, std::uint64_t here) {
    return listed != here && (here != 0 || !streamed);
  };
  if (differs(record.packed, local.packed) || differs(record.size, local.size))
    note(kSizesDiffer, at, cut(record.name));
  if (differs(record.crc32, local.crc32)) note(kCrcDiffers, at, cut(record.name));
  if (((record.flags ^ local.flags) & kFlagsThatMatter) != 0) note(kFlagsDiffer, at, cut(record.name));
  if (local.zip64_odd && !record.zip64_odd) note(kZip64Odd, at, cut(record.name));
  if (local.extra_odd && !record.extra_odd) note(kExtraOdd, at, cut(record.name));
}

std::vector<Oddity> Oddities::finish() {
  for (const auto& [id, count] : noted_)
    if (count > kMostOfOneId) kept_.push_back({id, 0, std::to_string(count - kMostOfOneId) + " more"});
  noted_.clear();
  return std::move(kept_);
}

}  // namespace assay::container::zip
