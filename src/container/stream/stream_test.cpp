#include "container/stream/stream.h"

#include <bzlib.h>
#include <gtest/gtest.h>
#include <lz4frame.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <string>

namespace assay::container::stream {
namespace {

using namespace std::string_literals;

std::string sample(std::size_t n = 1'000'000) {
  std::string out;
  for (std::size_t i = 0; out.size() < n; ++i) out += std::to_string(i * 2654435761u) + " ";
  out.resize(n);
  return out;
}

std::string deflated(const std::string& plain, int window_bits) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, plain.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

std::string gzipped(const std::string& plain) { return deflated(plain, 31); }

std::string bzipped(const std::string& plain) {
  std::string out(plain.size() * 2 + 1000, '\0');
  auto n = static_cast<unsigned>(out.size());
  BZ2_bzBuffToBuffCompress(out.data(), &n, const_cast<char*>(plain.data()), static_cast<unsigned>(plain.size()), 9, 0,
                           0);
  out.resize(n);
  return out;
}

std::string run_lzma(lzma_stream& z, const std::string& plain) {
  std::string out(plain.size() * 2 + 1000, '\0');
  z.next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
  z.avail_in = plain.size();
  z.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  z.avail_out = out.size();
  EXPECT_EQ(lzma_code(&z, LZMA_FINISH), LZMA_STREAM_END);
  out.resize(z.total_out);
  lzma_end(&z);
  return out;
}

std::string xz(const std::string& plain) {
  lzma_stream z = LZMA_STREAM_INIT;
  EXPECT_EQ(lzma_easy_encoder(&z, 1, LZMA_CHECK_CRC32), LZMA_OK);
  return run_lzma(z, plain);
}

std::string lzma_alone(const std::string& plain) {
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 1);
  lzma_stream z = LZMA_STREAM_INIT;
  EXPECT_EQ(lzma_alone_encoder(&z, &options), LZMA_OK);
  return run_lzma(z, plain);
}

/// Zip method 14; without an end marker when `marked` is false.
std::string zip_lzma(const std::string& plain, bool marked) {
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 1);
  lzma_filter filters[2] = {{marked ? LZMA_FILTER_LZMA1 : LZMA_FILTER_LZMA1EXT, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  options.ext_flags = 0;
  options.ext_size_low = static_cast<std::uint32_t>(plain.size());
  options.ext_size_high = 0;
  lzma_filter named[2] = {{LZMA_FILTER_LZMA1, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  std::string head = "\x10\x02\x05\0"s + std::string(5, '\0');
  EXPECT_EQ(lzma_properties_encode(&named[0], reinterpret_cast<std::uint8_t*>(head.data() + 4)), LZMA_OK);
  lzma_stream z = LZMA_STREAM_INIT;
  EXPECT_EQ(lzma_raw_encoder(&z, filters), LZMA_OK);
  return head + run_lzma(z, plain);
}

std::string zstd(const std::string& plain) {
  ZSTD_CCtx* c = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress2(c, out.data(), out.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(c);
  return out;
}

std::string lz4(const std::string& plain) {
  LZ4F_preferences_t p{};
  p.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  std::string out(LZ4F_compressFrameBound(plain.size(), &p), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &p));
  return out;
}

std::string skippable(const std::string& payload) {
  std::string out = "\x5a\x2a\x4d\x18"s;
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(payload.size() >> (8 * i));
  return out + payload;
}

struct Outcome {
  Decoded decoded;
  std::string plain;
};

Outcome run(Method method, const std::string& packed, bytes::Limits limits = {},
            std::optional<std::uint64_t> declared = {}) {
  const bytes::MemorySource source{bytes::view(packed)};
  bytes::SpoolFile file{-1};
  bytes::Spool spool{file};
  bytes::Budget budget{limits, packed.size()};
  Outcome out;
  out.decoded = decode(method, source, {0, packed.size()}, spool, budget, declared);
  const auto made = spool.finish();
  out.plain = bytes::text(made->in_memory());
  return out;
}

struct Case {
  Method method;
  std::string name;
  std::string (*pack)(const std::string&);
  bool concatenates;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {Method::deflate, "deflate", [](const std::string& s) { return deflated(s, -15); }, false},
      {Method::gzip, "gzip", gzipped, true},
      {Method::zlib, "zlib", [](const std::string& s) { return deflated(s, 15); }, false},
      {Method::bzip2, "bzip2", bzipped, true},
      {Method::xz, "xz", xz, true},
      {Method::lzma, "lzma", lzma_alone, true},
      {Method::zip_lzma, "zip_lzma", [](const std::string& s) { return zip_lzma(s, true); }, false},
      {Method::zstd, "zstd", zstd, true},
      {Method::lz4, "lz4", lz4, true},
  };
  return all;
}

TEST(Stream, GivesBackWhatWasPacked) {
  for (const auto& c : cases()) {
    for (const auto& plain : {""s, "x"s, sample()}) {
      const auto packed = c.pack(plain);
      const auto r = run(c.method, packed);
      EXPECT_FALSE(r.decoded.stopped) << c.name << ": " << r.decoded.stopped->what;
      EXPECT_EQ(r.plain, plain) << c.name;
      EXPECT_EQ(r.decoded.produced, plain.size()) << c.name;
      EXPECT_EQ(r.decoded.consumed, packed.size()) << c.name;
      EXPECT_EQ(r.decoded.streams, 1u) << c.name;
      EXPECT_FALSE(r.decoded.checksum_failed) << c.name;
      EXPECT_EQ(r.decoded.crc32,
                crc32(0, reinterpret_cast<const Bytef*>(plain.data()), static_cast<uInt>(plain.size())));
    }
  }
}

TEST(Stream, ReadsOnWhereLoadersReadOnAndLeavesTrailingBytesToNobody) {
  for (const auto& c : cases()) {
    const auto first = c.pack("first "), second = c.pack("second");
    const auto r = run(c.method, first + second + "garbage");
    EXPECT_FALSE(r.decoded.stopped) << c.name;
    EXPECT_EQ(r.plain, c.concatenates ? "first second" : "first ") << c.name;
    EXPECT_EQ(r.decoded.consumed, c.concatenates ? first.size() + second.size() : first.size()) << c.name;
    EXPECT_EQ(r.decoded.crc32,
              crc32(0, reinterpret_cast<const Bytef*>(r.plain.data()), static_cast<uInt>(r.plain.size())));
  }
}

TEST(Stream, EveryTruncationStopsAndKeepsWhatCameBefore) {
  const auto plain = sample(700);
  for (const auto& c : cases()) {
    const auto packed = c.pack(plain);
    for (std::size_t n = 0; n < packed.size(); ++n) {
      const auto r = run(c.method, packed.substr(0, n));
      ASSERT_TRUE(r.decoded.stopped) << c.name << " cut at " << n;
      EXPECT_EQ(r.decoded.stopped->code, Errc::truncated)
          << c.name << " cut at " << n << ": " << r.decoded.stopped->what;
      EXPECT_TRUE(plain.starts_with(r.plain)) << c.name << " cut at " << n;
    }
  }
}

TEST(Stream, EveryFlippedByteIsDamageOrAChecksumOrHarmless) {
  const auto plain = sample(500);
  for (const auto& c : cases()) {
    const auto packed = c.pack(plain);
    for (std::size_t n = 0; n < packed.size(); ++n) {
      auto bent = packed;
      bent[n] = static_cast<char>(bent[n] ^ 0x55);
      const auto r = run(c.method, bent);
      EXPECT_LE(r.decoded.consumed, bent.size());
    }
  }
}

// A bomb is stopped by the budget, before the block that would exceed it is kept.
TEST(Stream, StopsAtTheBudget) {
  bytes::Limits limits;
  limits.inflated_bytes = 1 << 20;
  for (const auto& c : cases()) {
    const auto r = run(c.method, c.pack(std::string(5 << 20, '\0')), limits);
    ASSERT_TRUE(r.decoded.stopped) << c.name;
    EXPECT_EQ(r.decoded.stopped->code, Errc::limit_reached) << c.name;
    EXPECT_LE(r.decoded.produced, 1u << 20) << c.name;
  }
}

// Python's gzip hands out the data before it looks at the checksum, so a pickle has run by then.
TEST(Stream, KeepsDataWithAWrongChecksumAndReadsOn) {
  for (const auto& c : {cases()[1], cases()[7], cases()[8]}) {
    auto first = c.pack(sample(300'000));
    const auto crc_at = first.size() - (c.method == Method::gzip ? 8 : 4);
    first[crc_at] = static_cast<char>(first[crc_at] ^ 1);
    const auto packed = first + c.pack("second");
    const auto r = run(c.method, packed);
    EXPECT_FALSE(r.decoded.stopped) << c.name << ": " << r.decoded.stopped->what;
    EXPECT_TRUE(r.decoded.checksum_failed) << c.name;
    EXPECT_EQ(r.plain, sample(300'000) + "second") << c.name;
    EXPECT_EQ(r.decoded.consumed, packed.size()) << c.name;
  }
  auto packed = deflated("zlib", 15);
  packed.back() = static_cast<char>(packed.back() ^ 1);
  const auto r = run(Method::zlib, packed);
  EXPECT_FALSE(r.decoded.stopped);
  EXPECT_TRUE(r.decoded.checksum_failed);
  EXPECT_EQ(r.plain, "zlib");
}

TEST(Stream, SkipsThePaddingThatPythonSkips) {
  const std::string zeros(600'000, '\0');  // more than one input block
  for (const auto& c : {cases()[1], cases()[4]}) {
    const auto packed = c.pack("first ") + zeros + c.pack("second") + zeros;
    const auto r = run(c.method, packed);
    EXPECT_EQ(r.plain, "first second") << c.name;
    EXPECT_EQ(r.decoded.consumed, packed.size()) << c.name;
  }
}

// LZMAFile detects the format anew for every stream.
TEST(Stream, FollowsLzmaBehindXz) {
  const auto r = run(Method::xz, xz("first ") + lzma_alone("second") + xz(" third"));
  EXPECT_FALSE(r.decoded.stopped);
  EXPECT_EQ(r.plain, "first second third");
}

TEST(Stream, NamesTheBytesOfSkippableFrames) {
  const std::string payload(100, 'p');
  for (const auto& c : {cases()[7], cases()[8]}) {
    const auto packed = skippable(payload) + c.pack("x") + skippable("tiny") + c.pack("y") + skippable(payload);
    const auto r = run(c.method, packed);
    EXPECT_FALSE(r.decoded.stopped) << c.name;
    EXPECT_EQ(r.plain, "xy") << c.name;
    EXPECT_EQ(r.decoded.streams, 2u);
    ASSERT_EQ(r.decoded.skipped.size(), 2u) << c.name;
    EXPECT_EQ(r.decoded.skipped[0], (bytes::Extent{8, 108}));
    EXPECT_EQ(r.decoded.skipped[1].end, packed.size());
  }
  const auto cut = run(Method::zstd, skippable(payload).substr(0, 50));
  ASSERT_TRUE(cut.decoded.stopped);
  EXPECT_EQ(cut.decoded.stopped->code, Errc::truncated);
}

TEST(Stream, NamesTheBytesOfLongGzipFields) {
  auto packed = gzipped("x");
  packed[3] = 0x1e;  // header checksum, extra field, name, comment
  packed.insert(10, "\xc8\0"s + std::string(200, 'e') + "short name\0"s + std::string(300, 'c') + "\0hh"s);
  const auto r = run(Method::gzip, packed);
  EXPECT_FALSE(r.decoded.stopped);
  EXPECT_EQ(r.plain, "x");
  ASSERT_EQ(r.decoded.skipped.size(), 2u);
  EXPECT_EQ(r.decoded.skipped[0], (bytes::Extent{12, 212}));
}

TEST(Stream, ReadsZipLzmaWithoutAnEndMarkerByItsDeclaredSize) {
  const auto plain = sample(50'000);
  const auto packed = zip_lzma(plain, false);
  const auto r = run(Method::zip_lzma, packed, {}, plain.size());
  EXPECT_FALSE(r.decoded.stopped);
  EXPECT_EQ(r.plain, plain);
  const auto shorter = run(Method::zip_lzma, packed, {}, 100);
  EXPECT_EQ(shorter.plain, plain.substr(0, 100));
  EXPECT_LT(shorter.decoded.consumed, packed.size());
}

// Thirteen bytes must not reserve four gigabytes.
TEST(Stream, RefusesADictionaryBeyondTheMemoryLimit) {
  auto packed = lzma_alone("x");
  packed.replace(1, 4, "\xff\xff\xff\xff");
  const auto r = run(Method::lzma, packed);
  ASSERT_TRUE(r.decoded.stopped);
  EXPECT_EQ(r.decoded.stopped->code, Errc::limit_reached);
  EXPECT_NE(r.decoded.stopped->what.find("128 MiB"), std::string_view::npos);

  const auto window = run(Method::zstd, "\x28\xb5\x2f\xfd\x00\xf8\x01\x00\x00"s);
  ASSERT_TRUE(window.decoded.stopped);
  EXPECT_EQ(window.decoded.stopped->code, Errc::limit_reached);
}

TEST(Stream, DecodesOnlyTheGivenRange) {
  const auto packed = "before" + gzipped("x");
  const auto all = packed + gzipped("y");
  const bytes::MemorySource source{bytes::view(all)};
  bytes::SpoolFile file{-1};
  bytes::Spool spool{file};
  bytes::Budget budget{{}, all.size()};
  const auto decoded = decode(Method::gzip, source, {6, packed.size()}, spool, budget);
  EXPECT_EQ(decoded.produced, 1u);
  EXPECT_EQ(decoded.consumed, packed.size() - 6);
}

TEST(Stream, RecognisesItsOwn) {
  for (const auto& c : cases()) {
    if (c.method == Method::deflate || c.method == Method::zip_lzma) continue;  // no magic at all
    for (const auto& plain : {"x"s, sample()}) {
      const auto packed = c.pack(plain);
      const auto head = bytes::view(packed).first(std::min<std::size_t>(packed.size(), 64));
      EXPECT_EQ(recognise(head), c.method) << c.name;
      EXPECT_TRUE(confirm(c.method, head)) << c.name;
      EXPECT_TRUE(confirm(c.method, bytes::view(packed))) << c.name;
    }
  }
  const auto empty = bzipped("");
  EXPECT_EQ(recognise(bytes::view(empty)), Method::bzip2);
  EXPECT_EQ(recognise(bytes::view("\x02\x21\x4c\x18 legacy lz4")), Method::unknown);
  const auto framed = skippable("tiny") + lz4("x");
  EXPECT_EQ(recognise(bytes::view(framed)), Method::lz4);
}

TEST(Stream, DoesNotSeeCompressionInOrdinaryBytes) {
  for (const auto& s :
       {"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94(K\x01K\x02\x65."s, std::string(64, '\0'), std::string(64, '\xff'),
        "hello, this is prose and nothing more"s, "BZh9 is how a bzip2 file begins"s, ""s, "\x1f"s}) {
    EXPECT_FALSE(recognise(bytes::view(s))) << s;
  }
  // The header bits of zlib fit, and the data do not.
  const auto fake = "\x78\x9c\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s;
  EXPECT_EQ(recognise(bytes::view(fake)), Method::zlib);
  EXPECT_FALSE(confirm(Method::zlib, bytes::view(fake)));
}

TEST(Stream, KnowsWhereAZFileOfJoblibBeginsItsZlib) {
  const auto header_of = [](std::string size, std::size_t width, const std::string& packed) {
    size.resize(width, ' ');
    const auto file = "ZF" + size + packed;
    return zfile_header(bytes::view(file));
  };
  const auto packed = deflated("old", 15);
  EXPECT_EQ(header_of("0x3", 19, packed), 21u);
  EXPECT_EQ(header_of("0x3", 20, packed), 22u);    // by Python 2
  EXPECT_EQ(header_of(" +0_3", 19, packed), 21u);  // Python's int() takes that
  EXPECT_EQ(header_of("0x3", 18, packed), 0u);
  EXPECT_EQ(header_of("0x3", 19, "plain"), 0u);
  EXPECT_EQ(header_of("0x3", 19, packed.substr(0, 2)), 0u);
  EXPECT_EQ(header_of("0x3", 20, ""), 0u);
  EXPECT_EQ(header_of("", 0, ""), 0u);
}

}  // namespace
}  // namespace assay::container::stream
