#include "identify/media.h"

#include <array>
#include <cstring>

namespace assay::identify {
namespace {

using bytes::View;

// Each walk returns where the structure ends, or where it breaks; 0: not this format at all. A walk
// moves forwards with every step, and Look bounds what it reads.
constexpr int kMostSteps = 4'000'000;

bool is_tag(View v, std::size_t at) noexcept {
  for (std::size_t i = at; i < at + 4; ++i)
    if (byte_at(v, i) < 0x20 || byte_at(v, i) > 0x7e) return false;
  return true;
}

/// W3C PNG: signature, then u32 length | type | data | crc up to IEND.
std::uint64_t png(Look& in) {
  std::uint64_t at = 8;
  for (int step = 0; step < kMostSteps; ++step) {
    const auto v = in.at(at, 8);
    if (v.size() < 8 || !is_tag(v, 4) || big(v, 0, 4) + 12 > in.size() - at) break;
    if (step == 0 && (big(v, 0, 4) != 13 || !begins(v.subspan(4), "IHDR"))) return 0;
    const bool last = begins(v.subspan(4), "IEND");
    at += big(v, 0, 4) + 12;
    if (last) break;
  }
  return at == 8 ? 0 : at;
}

/// The marker that ends an entropy-coded stretch: FF and neither a stuffed zero nor a restart.
std::uint64_t jpeg_scan(Look& in, std::uint64_t at) {
  while (at < in.size()) {
    const auto v = in.at(at, Look::kBlock / 2);
    if (v.size() < 2) break;
    const void* found = std::memchr(v.data(), 0xff, v.size() - 1);
    if (found == nullptr) {
      at += v.size() - 1;
      continue;
    }
    const auto i = static_cast<std::size_t>(static_cast<const std::byte*>(found) - v.data());
    const auto marker = byte_at(v, i + 1);
    if (marker != 0 && marker != 0xff && (marker < 0xd0 || marker > 0xd7)) return at + i;
    at += i + (marker == 0xff ? 1 : 2);
  }
  return at;
}

/// ITU T.81: markers FF xx, most with a u16 length, up to EOI.
std::uint64_t jpeg(Look& in) {
  std::uint64_t at = 2;
  for (int step = 0; step < kMostSteps; ++step) {
    const auto v = in.at(at, 4);
    const auto marker = byte_at(v, 1);
    if (v.size() < 2 || byte_at(v, 0) != 0xff || marker == 0) break;
    if (marker == 0xd9) return at + 2;
    if (marker == 0xff) {
      ++at;
      continue;
    }
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 2;
      continue;
    }
    const auto length = big(v, 2, 2);
    if (v.size() < 4 || length < 2 || length + 2 > in.size() - at) break;
    at += length + 2;
    if (marker == 0xda) at = jpeg_scan(in, at);
  }
  return at == 2 ? 0 : at;
}

/// u8 length | data, up to a length of zero.
std::uint64_t gif_blocks(Look& in, std::uint64_t at) {
  for (int step = 0; step < kMostSteps; ++step) {
    const auto v = in.at(at, 1);
    if (v.empty()) return in.size();
    if (byte_at(v, 0) == 0) return at + 1;
    at += 1 + byte_at(v, 0);
  }
  return at;
}

std::uint64_t colour_table(unsigned flags) noexcept { return (flags & 0x80) != 0 ? 3ull << ((flags & 7) + 1) : 0; }

/// GIF89a: screen, colours, then blocks up to the trailer 3B.
std::uint64_t gif(View head, Look& in) {
  std::uint64_t at = 13 + colour_table(byte_at(head, 10));
  for (int step = 0; step < kMostSteps && at < in.size(); ++step) {
    const auto v = in.at(at, 10);
    const auto kind = byte_at(v, 0);
    if (kind == 0x3b) return at + 1;
    if (kind == 0x21) at = gif_blocks(in, at + 2);
    else if (kind == 0x2c) at = gif_blocks(in, at + 11 + colour_table(byte_at(v, 9)));
    else break;
  }
  return at;
}

/// BITMAPFILEHEADER and the size of the header behind it.
std::uint64_t bmp(View head, Look& in) {
  const auto declared = little(head, 2, 4), data = little(head, 10, 4), header = little(head, 14, 4);
  constexpr std::array<std::uint64_t, 7> kHeaders{12, 40, 52, 56, 64, 108, 124};
  const bool known = std::find(kHeaders.begin(), kHeaders.end(), header) != kHeaders.end();
  if (!known || little(head, 6, 4) != 0 || data < 14 + header || data > in.size()) return 0;
  return declared >= data && declared <= in.size() ? declared : in.size();
}

/// u16 0 | u16 1 | u16 count | count x 16 bytes, of which the last eight are size and offset.
std::uint64_t ico(View head, Look& in) {
  const auto count = little(head, 4, 2);
  std::uint64_t end = 6 + 16 * count;
  if (count == 0 || count > 200 || end > in.size()) return 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = little(head, 6 + 16 * i + 8, 4), offset = little(head, 6 + 16 * i + 12, 4);
    if (offset < 6 + 16 * count || size == 0 || offset + size > in.size()) return 0;
    end = std::max(end, offset + size);
  }
  return end;
}

std::uint64_t tiff(View head, Look& in) {
  const bool is_little = begins(head, "II");
  const auto number = [&](std::size_t at, std::size_t n) { return is_little ? little(head, at, n) : big(head, at, n); };
  const auto version = number(2, 2);
  const auto directory = version == 42 ? number(4, 4) : version == 43 ? number(8, 8) : 0;
  return directory >= 8 && directory < in.size() ? in.size() : 0;
}

std::uint64_t riff(View head, Look& in) {
  const auto size = little(head, 4, 4);
  return std::min(in.size(), 8 + size + (size & 1));
}

/// RFC 3533: pages of 27 bytes, a table of segment lengths, the segments.
std::uint64_t ogg(Look& in) {
  std::uint64_t at = 0;
  for (int step = 0; step < kMostSteps && at < in.size(); ++step) {
    const auto v = in.at(at, 27 + 255);
    if (!begins(v, {"OggS\0", 5})) break;
    std::uint64_t length = 27 + byte_at(v, 26);
    for (std::size_t i = 0; i < byte_at(v, 26); ++i) length += byte_at(v, 27 + i);
    if (length > in.size() - at) break;
    at += length;
  }
  return at;
}

/// RFC 9639: the first block must be STREAMINFO, 34 bytes. Frames carry no length, so they are not walked.
std::uint64_t flac(View head, Look& in) {
  return (byte_at(head, 4) & 0x7f) == 0 && big(head, 5, 3) == 34 ? in.size() : 0;
}

/// Bytes of the MPEG audio frame (ISO 11172-3) or ADTS frame (ISO 13818-7) at the front of `v`; 0: none.
std::uint64_t audio_frame(View v) noexcept {
  if (v.size() < 7 || byte_at(v, 0) != 0xff || (byte_at(v, 1) & 0xe0) != 0xe0) return 0;
  const auto version = byte_at(v, 1) >> 3 & 3, layer = byte_at(v, 1) >> 1 & 3;
  if ((byte_at(v, 1) & 0xf6) == 0xf0) return big(v, 3, 3) >> 5 & 0x1fff;
  constexpr std::array<unsigned, 15> kKilobits1{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
  constexpr std::array<unsigned, 15> kKilobits2{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
  constexpr std::array<unsigned, 3> kHertz{44100, 48000, 32000};
  const auto rate = byte_at(v, 2) >> 4, frequency = byte_at(v, 2) >> 2 & 3, padding = byte_at(v, 2) >> 1 & 1;
  if (version == 1 || layer != 1 || rate == 0 || rate == 15 || frequency == 3) return 0;
  const bool first = version == 3;
  const auto hertz = kHertz[frequency] >> (first ? 0 : version == 2 ? 1 : 2);
  return (first ? 144u : 72u) * 1000 * (first ? kKilobits1 : kKilobits2)[rate] / hertz + padding;
}

/// Two bytes of sync are next to nothing, so three frames must follow each other (one behind an ID3 tag).
std::uint64_t audio(View head, Look& in) {
  std::uint64_t at = 0;
  const bool tagged =
      begins(head, "ID3") && ((byte_at(head, 6) | byte_at(head, 7) | byte_at(head, 8) | byte_at(head, 9)) & 0x80) == 0;
  if (tagged) at = 10 + (byte_at(head, 6) << 21 | byte_at(head, 7) << 14 | byte_at(head, 8) << 7 | byte_at(head, 9));
  int frames = 0;
  for (; frames < kMostSteps && at < in.size(); ++frames) {
    const auto length = audio_frame(in.at(at, 7));
    if (length < 7 || length > in.size() - at) break;
    at += length;
  }
  if (frames < (tagged ? 1 : 3)) return 0;
  return begins(in.at(at, 3), "TAG") && in.size() - at >= 128 ? at + 128 : at;
}

/// ISO 14496-12: u32 size | type; size 1: u64 behind the type; size 0: to the end.
std::uint64_t mp4(Look& in) {
  std::uint64_t at = 0;
  for (int step = 0; step < kMostSteps && at < in.size(); ++step) {
    const auto v = in.at(at, 16);
    auto length = big(v, 0, 4);
    if (v.size() < 8 || !is_tag(v, 4)) break;
    if (length == 0) return in.size();
    if (length == 1) length = big(v, 8, 8);
    if (length < 8 || length > in.size() - at) break;
    at += length;
  }
  return at;
}

/// RFC 8794: elements of a variable-length id, a variable-length size, data.
std::uint64_t matroska(View head, Look& in) {
  const auto text = bytes::text(head.first(std::min<std::size_t>(head.size(), 64)));
  if (text.find("webm") == text.npos && text.find("matroska") == text.npos) return 0;
  std::uint64_t at = 0;
  for (int step = 0; step < kMostSteps && at < in.size(); ++step) {
    const auto v = in.at(at, 12);
    if (v.size() < 2 || byte_at(v, 0) < 0x10) break;
    std::size_t id = 1, width = 1;
    while ((byte_at(v, 0) & (0x100u >> id)) == 0) ++id;
    const auto first = byte_at(v, id);
    if (first == 0) break;
    while ((first & (0x100u >> width)) == 0) ++width;
    const auto unknown = (1ull << (7 * width)) - 1;
    const auto length = big(v, id, width) & unknown;
    if (length == unknown) return in.size();
    if (length > in.size() - at || id + width > in.size() - at - length) break;
    at += id + width + length;
  }
  return at;
}

/// OpenType: u32 version | u16 tables | 6 bytes | tables x { tag, checksum, offset, length }.
std::uint64_t sfnt(View head, Look& in) {
  const auto tables = big(head, 4, 2);
  std::uint64_t end = 12 + 16 * tables;
  if (tables == 0 || tables > 200 || end > in.size()) return 0;
  for (std::size_t i = 0; i < tables; ++i) {
    const auto record = 12 + 16 * i;
    const auto offset = big(head, record + 8, 4), length = big(head, record + 12, 4);
    if (!is_tag(head, record) || offset + length > in.size()) return 0;
    end = std::max(end, offset + length);
  }
  return std::min(in.size(), (end + 3) & ~std::uint64_t{3});
}

std::uint64_t woff(View head, Look& in) {
  const auto length = big(head, 8, 4);
  return length >= 44 && length <= in.size() ? length : 0;
}

Medium riff_kind(View head, Look& in) {
  const auto kind = head.size() >= 12 ? bytes::text(head.subspan(8, 4)) : std::string_view{};
  if (kind == "WEBP") return {"webp", "a WebP picture", riff(head, in)};
  if (kind == "WAVE") return {"wav", "WAV sound", riff(head, in)};
  if (kind == "AVI ") return {"avi", "an AVI film", riff(head, in)};
  return {};
}

/// By magic; `end` may lie behind the source where its last block does.
Medium recognise(View head, Look& in) {
  // Every one of these has a zero byte within its first 4 KiB. Without one, a file such as
  // "GIF89a = 1; import os" would be a picture here and a program to Python.
  if (std::find(head.begin(), head.end(), std::byte{0}) == head.end()) return {};
  if (begins(head, "\x89PNG\r\n\x1a\n")) return {"png", "a PNG picture", png(in)};
  if (begins(head, "\xff\xd8\xff")) return {"jpeg", "a JPEG picture", jpeg(in)};
  if (begins(head, "GIF87a") || begins(head, "GIF89a")) return {"gif", "a GIF picture", gif(head, in)};
  if (begins(head, "RIFF")) return riff_kind(head, in);
  if (begins(head, "BM")) return {"bmp", "a BMP picture", bmp(head, in)};
  if (begins(head, {"\0\0\1\0", 4})) return {"ico", "an icon", ico(head, in)};
  if (begins(head, "II") || begins(head, "MM")) return {"tiff", "a TIFF picture", tiff(head, in)};
  if (begins(head, "OggS")) return {"ogg", "Ogg sound or film", ogg(in)};
  if (begins(head, "fLaC")) return {"flac", "FLAC sound", flac(head, in)};
  if (begins(head, "ID3") || begins(head, "\xff")) {
    const bool adts = begins(head, "\xff") && (byte_at(head, 1) & 0xf6) == 0xf0;
    return {adts ? "aac" : "mp3", adts ? "AAC sound" : "MP3 sound", audio(head, in)};
  }
  if (head.size() >= 8 && begins(head.subspan(4), "ftyp"))
    return {"mp4", "film, sound or pictures of the MP4 family", mp4(in)};
  if (begins(head, "\x1a\x45\xdf\xa3")) return {"webm", "film or sound in Matroska or WebM", matroska(head, in)};
  if (begins(head, {"\0\1\0\0", 4}) || begins(head, "OTTO") || begins(head, "true"))
    return {"font", "a font", sfnt(head, in)};
  if (begins(head, "wOFF") || begins(head, "wOF2")) return {"font", "a font for the web", woff(head, in)};
  return {};
}

}  // namespace

Medium medium(View head, Look& in) {
  auto found = recognise(head, in);
  if (found.end == 0) return {};
  found.end = std::min(found.end, in.size());
  return found;
}

}  // namespace assay::identify
