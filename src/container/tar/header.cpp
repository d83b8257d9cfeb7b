#include "container/tar/header.h"

#include "bytes/reader.h"

namespace assay::container::tar {
namespace {

struct Field {
  std::size_t at;
  std::size_t bytes;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kTime{136, 12}, kSum{148, 8},
    kTarget{157, 100}, kMagic{257, 6}, kPrefix{345, 155};
constexpr std::size_t kType = 156, kSparseExtended = 482;
constexpr std::size_t kMostDigits = 21;  // of 2^64 in octal

bytes::View field(bytes::View block, Field f) { return block.subspan(f.at, f.bytes); }

std::string_view until_nul(bytes::View v) {
  const auto s = bytes::text(v);
  return s.substr(0, s.find('\0'));
}

std::optional<std::uint64_t> parse_base256(bytes::View field) {
  // 0xff begins a negative number: no size is one.
  if (field[0] != std::byte{0x80}) return std::nullopt;
  std::uint64_t n = 0;
  for (const auto b : field.subspan(1)) {
    if (n >> 56 != 0) return std::nullopt;
    n = n << 8 | static_cast<std::uint64_t>(b);
  }
  return n;
}

/// Some old tars sum signed bytes; every reader accepts both.
bool is_sum(bytes::View block, std::uint64_t declared) {
  std::int64_t as_unsigned = 0, as_signed = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool own = i >= kSum.at && i < kSum.at + kSum.bytes;
    as_unsigned += own ? ' ' : static_cast<std::uint8_t>(block[i]);
    as_signed += own ? ' ' : static_cast<std::int8_t>(block[i]);
  }
  return declared == static_cast<std::uint64_t>(as_unsigned) || static_cast<std::int64_t>(declared) == as_signed;
}

Result<std::uint64_t> decimal(std::string_view digits, std::uint64_t at) {
  if (digits.empty() || digits.size() > 19) return fail(Errc::malformed, at, "pax number of impossible length");
  std::uint64_t n = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return fail(Errc::malformed, at, "pax number is not a number");
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return n;
}

struct Record {
  std::string_view key;
  std::string_view value;
};

/// The length counts itself, the space, the record and its newline.
Result<Record> take_record(bytes::Reader& in) {
  const auto at = in.offset();
  const auto rest = bytes::text(in.rest());
  const auto space = rest.substr(0, kMostDigits).find(' ');
  if (space == std::string_view::npos) return fail(Errc::malformed, at, "pax record without a length");
  const auto length = TRY(decimal(rest.substr(0, space), at));
  if (length < space + 3) return fail(Errc::malformed, at, "pax record shorter than its own head");
  auto record = bytes::text(TRY(in.take(length))).substr(space + 1);
  const auto equals = record.find('=');
  if (equals == std::string_view::npos || record.back() != '\n')
    return fail(Errc::malformed, at, "pax record without key or end");
  record.remove_suffix(1);
  return Record{record.substr(0, equals), equals < record.size() ? record.substr(equals + 1) : std::string_view{}};
}

}  // namespace

std::optional<std::uint64_t> parse_number(bytes::View field) {
  if (!field.empty() && (field[0] & std::byte{0x80}) != std::byte{0}) return parse_base256(field);
  auto digits = until_nul(field);
  while (digits.starts_with(' ')) digits.remove_prefix(1);
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  if (digits.size() > kMostDigits) return std::nullopt;
  std::uint64_t n = 0;
  for (const char c : digits) {
    if (c < '0' || c > '7') return std::nullopt;
    n = n << 3 | static_cast<std::uint64_t>(c - '0');
  }
  return n;
}

Result<Header> parse_header(bytes::View block, std::uint64_t at) {
  for (const auto f : {kMode, kUid, kGid, kTime})
    if (block[f.at] != std::byte{0xff} && !parse_number(field(block, f)))  // times before 1970 are negative
      return fail(Errc::malformed, at + f.at, "tar header field is not a number");
  const auto sum = parse_number(field(block, kSum));
  const auto size = parse_number(field(block, kSize));
  if (!sum) return fail(Errc::malformed, at + kSum.at, "tar checksum is not a number");
  if (!size) return fail(Errc::malformed, at + kSize.at, "tar member size is not a number");

  Header out;
  out.checksum_right = is_sum(block, *sum);
  out.size = *size;
  out.type = static_cast<char>(block[kType]);
  out.name = until_nul(field(block, kName));
  out.target = until_nul(field(block, kTarget));
  out.extended_sparse = out.type == 'S' && block[kSparseExtended] != std::byte{0};
  // Python uses the prefix whatever the magic says, except in GNU's own types; GNU tar asks the magic,
  // because its old format keeps times in that place.
  const auto prefix = until_nul(field(block, kPrefix));
  const bool is_gnu_type = out.type == 'L' || out.type == 'K' || out.type == 'S';
  if (!prefix.empty() && !is_gnu_type) {
    if (bytes::text(field(block, kMagic)) != std::string_view{"ustar\0", 6}) out.short_name = out.name;
    out.name = std::string{prefix} + "/" + out.name;
  }
  return out;
}

Result<Overrides> parse_pax(bytes::View data, std::uint64_t at) {
  Overrides out;
  bytes::Reader in{data, at};
  // Writers may pad with zeros; Python ends at the first byte that begins no record.
  while (!in.empty() && in.rest()[0] != std::byte{0}) {
    const auto here = in.offset();
    const auto [key, value] = TRY(take_record(in));
    if (key == "path" || key == "GNU.sparse.name") out.name = value;
    else if (key == "linkpath") out.target = value;
    else if (key == "size") out.size = TRY(decimal(value, here));
    if (key.starts_with("GNU.sparse.")) out.sparse = true;
  }
  return out;
}

}  // namespace assay::container::tar
