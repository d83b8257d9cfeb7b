#include "container/zip/records.h"

#include <algorithm>
#include <array>

#include "bytes/reader.h"

namespace assay::container::zip {
namespace {

using bytes::le_at;
using bytes::View;

constexpr std::uint64_t kIn64 = 0xffffffff;  // "the number is in the zip64 field"
constexpr std::uint16_t kZip64Id = 0x0001;
constexpr std::uint16_t kUnicodePathId = 0x7075;
constexpr std::uint16_t kNewestVersion = 63;

struct Extra {
  std::optional<View> zip64;
  std::string_view unicode_name;
  bool zip64_twice = false;
  bool odd = false;
};

Extra parse_extra(View all) {
  Extra out;
  bytes::Reader in{all};
  while (in.remaining() >= 4) {
    const auto id = le_at<std::uint16_t>(in.rest(), 0);
    const auto length = le_at<std::uint16_t>(in.rest(), 2);
    if (length > in.remaining() - 4) {
      out.odd = true;
      return out;
    }
    const auto body = unwrap(in.take(4u + length)).subspan(4);
    if (id == kZip64Id) {
      out.zip64_twice = out.zip64.has_value();
      if (!out.zip64) out.zip64 = body;
    }
    if (id == kUnicodePathId && body.size() > 5) out.unicode_name = bytes::text(body.subspan(5));
  }
  // zipalign fills up with fewer than four zeros, which is not worth a word.
  const auto rest = in.rest();
  out.odd = std::any_of(rest.begin(), rest.end(), [](std::byte b) { return b != std::byte{0}; });
  return out;
}

/// Replaces each number that says "see zip64", in the order that APPNOTE 4.5.3 fixes.
template <std::size_t N>
void resolve_zip64(const Extra& extra, Stated& stated, const std::array<std::uint64_t*, N>& numbers) {
  bytes::Reader in{extra.zip64.value_or(View{})};
  bool asked = false;
  for (auto* number : numbers) {
    if (*number != kIn64) continue;
    asked = true;
    if (const auto value = in.le<std::uint64_t>()) *number = *value;
    else stated.zip64_odd = true;
  }
  stated.zip64_odd |= extra.zip64_twice;
  // A field that nobody asked for: most loaders skip it, some prefer it, and the difference was CVE-2025-54368.
  if (asked || !extra.zip64 || extra.zip64->size() < 16) return;
  const auto packed = le_at<std::uint64_t>(*extra.zip64, 8);
  if (packed != stated.packed) stated.packed_alt = packed;
  stated.zip64_odd |= packed != stated.packed || le_at<std::uint64_t>(*extra.zip64, 0) != stated.size;
}

/// The fields from "version needed" to "uncompressed size", the same in both records.
void read_stated(View fixed, std::size_t at, Stated& out) {
  out.version = le_at<std::uint16_t>(fixed, at);
  out.flags = le_at<std::uint16_t>(fixed, at + 2);
  out.method = le_at<std::uint16_t>(fixed, at + 4);
  out.crc32 = le_at<std::uint32_t>(fixed, at + 10);
  out.packed = le_at<std::uint32_t>(fixed, at + 14);
  out.size = le_at<std::uint32_t>(fixed, at + 18);
}

}  // namespace

std::uint32_t signature(View at) noexcept { return at.size() < 4 ? 0 : le_at<std::uint32_t>(at, 0); }

std::uint64_t local_bytes(View at) noexcept {
  if (at.size() < kLocalBytes || signature(at) != kLocalSignature) return 0;
  return kLocalBytes + le_at<std::uint16_t>(at, 26) + le_at<std::uint16_t>(at, 28);
}

std::uint64_t central_bytes(View at) noexcept {
  if (at.size() < kCentralBytes || signature(at) != kCentralSignature) return 0;
  return kCentralBytes + le_at<std::uint16_t>(at, 28) + le_at<std::uint16_t>(at, 30) + le_at<std::uint16_t>(at, 32);
}

Result<Local> parse_local(View at) {
  if (signature(at) != kLocalSignature) return fail(Errc::malformed, 0, "no local header");
  Local out;
  out.bytes = local_bytes(at);
  if (out.bytes == 0 || out.bytes > at.size()) return fail(Errc::truncated, 0, "local header cut short");
  read_stated(at, 4, out);
  const auto name = le_at<std::uint16_t>(at, 26);
  out.name = bytes::text(at.subspan(kLocalBytes, name));
  const auto extra = parse_extra(at.subspan(kLocalBytes + name, le_at<std::uint16_t>(at, 28)));
  out.unicode_name = extra.unicode_name;
  out.extra_odd = extra.odd;
  resolve_zip64(extra, out, std::array{&out.size, &out.packed});
  return out;
}

Result<Central> parse_central(View at) {
  if (signature(at) != kCentralSignature) return fail(Errc::malformed, 0, "no directory record");
  Central out;
  out.bytes = central_bytes(at);
  if (out.bytes == 0 || out.bytes > at.size()) return fail(Errc::truncated, 0, "directory record cut short");
  read_stated(at, 6, out);
  const auto name = le_at<std::uint16_t>(at, 28);
  out.disk = le_at<std::uint16_t>(at, 34);
  out.external = le_at<std::uint32_t>(at, 38);
  out.header_offset = le_at<std::uint32_t>(at, 42);
  out.name = bytes::text(at.subspan(kCentralBytes, name));
  const auto extra = parse_extra(at.subspan(kCentralBytes + name, le_at<std::uint16_t>(at, 30)));
  out.unicode_name = extra.unicode_name;
  out.extra_odd = extra.odd;
  resolve_zip64(extra, out, std::array{&out.size, &out.packed, &out.header_offset});
  return out;
}

Result<End> parse_end(View at) {
  if (signature(at) != kEndSignature) return fail(Errc::malformed, 0, "no end record");
  if (at.size() < kEndBytes) return fail(Errc::truncated, 0, "end record cut short");
  End out;
  const auto disk = le_at<std::uint16_t>(at, 4);
  out.many_disks = disk != 0 && disk != 0xffff;
  out.count = le_at<std::uint16_t>(at, 10);
  out.size = le_at<std::uint32_t>(at, 12);
  out.offset = le_at<std::uint32_t>(at, 16);
  out.comment = le_at<std::uint16_t>(at, 20);
  out.bytes = kEndBytes;
  return out;
}

Result<End> parse_end64(View at) {
  if (signature(at) != kEnd64Signature) return fail(Errc::malformed, 0, "no zip64 end record");
  if (at.size() < kEnd64Bytes) return fail(Errc::truncated, 0, "zip64 end record cut short");
  End out;
  out.many_disks = le_at<std::uint32_t>(at, 16) != 0;
  out.count = le_at<std::uint64_t>(at, 32);
  out.size = le_at<std::uint64_t>(at, 40);
  out.offset = le_at<std::uint64_t>(at, 48);
  out.bytes = kEnd64Bytes;
  return out;
}

std::uint64_t descriptor_bytes(View at, std::uint64_t packed, std::uint64_t size) noexcept {
  const std::size_t lead = signature(at) == kDescriptorSignature ? 8 : 4;  // signature and checksum
  // A signature may also be the checksum of a descriptor without one: both are tried.
  for (const auto skip : {lead, std::size_t{4}}) {
    if (at.size() >= skip + 16 && le_at<std::uint64_t>(at, skip) == packed &&
        le_at<std::uint64_t>(at, skip + 8) == size)
      return skip + 16;
    if (at.size() >= skip + 8 && le_at<std::uint32_t>(at, skip) == packed && le_at<std::uint32_t>(at, skip + 4) == size)
      return skip + 8;
  }
  return 0;
}

bool plausible(const Local& local) noexcept {
  return (local.version & 0xff) <= kNewestVersion && !local.name.empty() && local.method <= 99;
}

}  // namespace assay::container::zip
