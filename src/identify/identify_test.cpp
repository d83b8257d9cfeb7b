#include "identify/identify.h"

#include <gtest/gtest.h>

#include <string>

namespace assay::identify {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::vector<Claim> claims(std::string_view bytes) { return identify(bytes::MemorySource{bytes::view(bytes)}); }

/// The only claim's format, or all of them.
std::string formats(std::string_view bytes) {
  std::string out;
  for (const auto& c : claims(bytes)) out += (out.empty() ? "" : " ") + std::string{c.format};
  return out;
}

std::string_view magic(std::string_view bytes) { return loadable_magic(bytes::view(bytes)); }

std::string be32(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
}
std::string le32(std::uint32_t n) {
  return {static_cast<char>(n), static_cast<char>(n >> 8), static_cast<char>(n >> 16), static_cast<char>(n >> 24)};
}
std::string chunk(const std::string& type, const std::string& data) {
  return be32(static_cast<std::uint32_t>(data.size())) + type + data + "crc!";
}

const std::string kPng =
    "\x89PNG\r\n\x1a\n" + chunk("IHDR", std::string(13, '\0')) + chunk("IDAT", "xyz") + chunk("IEND", "");
const std::string kJpeg = "\xff\xd8\xff\xe0\0\4ab\xff\xda\0\3!data\xff\0more\xff\xd0x\xff\xd9"s;
const std::string kGif = "GIF89a\1\0\1\0\x80\0\0abcdef\x21\xf9\4abcd\0\x2c\0\0\0\0\1\0\1\0\0\2\2xy\0;"s;
const std::string kSafetensors = "\2\0\0\0\0\0\0\0{}"s;

std::string pe() {
  auto out = "MZ" + std::string(58, '\0') + le32(0x40) + "PE\0\0"s + std::string(20, '\0');
  return out;
}

TEST(Identify, NamesEveryFormatByItsContent) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"\x80\4N."s, "pickle"},
      {"\x80\xff", "pickle"},
      {"\x93NUMPY\1\0"s, "npy"},
      {kPng, "png"},
      {kJpeg, "jpeg"},
      {kGif, "gif"},
      {"RIFF\x04\0\0\0WEBP"s, "webp"},
      {"RIFF\x04\0\0\0WAVE"s, "wav"},
      {"BM" + le32(60) + le32(0) + le32(54) + le32(40) + std::string(42, '\0'), "bmp"},
      {"\0\0\1\0\1\0"s + std::string(8, 'x') + le32(3) + le32(22) + "abc", "ico"},
      {"II*\0"s + le32(8) + "\0\0\0\0"s, "tiff"},
      {"OggS\0\0"s + std::string(20, '\0') + "\1\3abc", "ogg"},
      {"fLaC\0\0\0\x22"s + std::string(34, '\0'), "flac"},
      {"\0\0\0\x10"
       "ftypisom\0\0\0\0"s,
       "mp4"},
      {"\x1a\x45\xdf\xa3\x88\x42\x82\x84webm\0"s, "webm"},
      {"\0\1\0\0\0\1\0\0\0\0\0\0glyf"s + be32(0) + be32(28) + be32(4) + "abcd", "font"},
      {"%PDF-1.4\n", "pdf"},
      {"{\\rtf1}", "rtf"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"},
      {"\x7f"
       "ELF\2\1\1",
       "elf"},
      {pe(), "pe"},
      {"MZqFpD='\n", "ape"},
      {"\xcf\xfa\xed\xfe\7\0\0\1"s, "mach-o"},
      {"\xca\xfe\xba\xbe\0\0\0\2"s, "mach-o"},
      {"\xca\xfe\xba\xbe\0\0\0\x34"s, "java-class"},
      {"\0asm\1\0\0\0"s, "wasm"},
      {"dex\n035\0"s, "dex"},
      {"\xac\xed\0\5t\0\5hello"s, "java-serialized"},
      {"\xa7\r\r\n\0\0\0\0\0\0\0\0\0\0\0\0N"s, "python-bytecode"},
      {"#!/usr/bin/env python3\nprint('done')\n", "script"},
      {"#! /bin/sh\n", "script"},
      {kSafetensors, "safetensors"},
      {"GGUF\3\0\0\0"s, "gguf"},
      {"tjgg\3\0\0\0"s, "ggml"},
      {"\x89HDF\r\n\x1a\n", "hdf5"},
      {std::string(512, 'x') + "\x89HDF\r\n\x1a\n", "hdf5"},
      {std::string(8192, 'x') + "\x89HDF\r\n\x1a\n", "hdf5"},
      {"\x1c\0\0\0TFL3"s + std::string(40, '\0'), "tflite"},
      {"\x1c\0\0\0ET12"s + std::string(40, '\0'), "executorch"},
      {"PAR1\x15\0\0\0\0\0\0\0PAR1"s, "parquet"},
      {"ARROW1\0\0"s, "arrow"},
      {"SQLite format 3\0"s, "sqlite"},
      {"X\n\0\0\0\3\0\4\3\0"s, "rds"},
      {"A\n3\n262657\n", "rds"},
      {"\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\2"s, "sentencepiece"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, '0') + "\nsize 1024\n",
       "git-lfs-pointer"},
  };
  for (const auto& [bytes, format] : cases) EXPECT_EQ(formats(bytes), format) << format;
}

TEST(Identify, TextIsNobodysMagic) {
  for (const auto text :
       {"GGUF is a format", "BM is short for basic music", "MZ",
        "MZ is a county, and its people say so, again and again and again.....", "II* wins", "RIFF Raff WAVE", "X\nfoo",
        "A\n2\nB\n", "OggS", "true\n", "PAR1 is parquet", "TAG", "ID3 is a tag", "GIF89a = 1; import os",
        "version https://git-lfs.github.com/spec/v1 is a line", "0123TFL3 is a name", "#!not a path", "wOFF", "Obj"})
    EXPECT_EQ(formats(text), "") << text;
}

TEST(Identify, APictureEndsWhereItsStructureEnds) {
  for (const auto& picture : {kPng, kJpeg, kGif}) {
    const auto c = claims(picture + "\x80\4payload");
    ASSERT_EQ(c.size(), 1u);
    EXPECT_EQ(c[0].end, picture.size()) << c[0].format;
    EXPECT_EQ(c[0].use, Use::plain);
  }
  EXPECT_EQ(claims("RIFF\x04\0\0\0WAVEpayload"s)[0].end, 12u);
}

// A chunk that claims four gigabytes must not own what follows it.
TEST(Identify, ABrokenChunkEndsThePicture) {
  const auto c = claims(kPng.substr(0, 33) + be32(0xffffffff) + "IDATpayload");
  ASSERT_EQ(c.size(), 1u);
  EXPECT_EQ(c[0].end, 33u);
}

TEST(Identify, KnowsASafetensorsHeaderAsItsReaderDoes) {
  EXPECT_EQ(formats("\x6\0\0\0\0\0\0\0 \n\t\r{}"s), "safetensors");
  EXPECT_EQ(formats("\x40\0\0\0\0\0\0\0{\"a"s), "safetensors") << "cut short";
  EXPECT_EQ(formats("\x40\0\0\0\0\0\0\0 {\"a"s), "");
  EXPECT_EQ(formats("\4\0\0\0\0\0\0\0{\0\0\0"s), "");
  EXPECT_EQ(formats("\4\0\0\0\0\0\0\0\n\0\0\0"s), "");
}

TEST(Identify, TwoFormatsAreTwoClaims) {
  // 0x80 02 begins a pickle, and is a length of 640 bytes as well.
  EXPECT_EQ(formats("\x80\2\0\0\0\0\0\0{}"s + std::string(700, ' ')), "pickle safetensors");
}

TEST(Identify, ASafetensorsHeaderMustFit) {
  EXPECT_EQ(formats("\3\0\0\0\0\0\0\0{}"s), "");
  EXPECT_EQ(formats("\xff\xff\xff\xff\xff\xff\xff\xff{}"s), "");
}

TEST(Identify, ATarsFirstMemberIsNotAUserBlock) {
  auto tar = std::string(512, '\0');
  tar.replace(257, 5, "ustar");
  EXPECT_EQ(formats(tar + "\x89HDF\r\n\x1a\n" + std::string(500, '\0')), "");
}

TEST(Identify, EveryTruncationIsAnswered) {
  for (const auto& whole : {kPng, kJpeg, kGif, pe(), kSafetensors})
    for (std::size_t n = 0; n <= whole.size(); ++n)
      for (const auto& c : claims(std::string_view{whole}.substr(0, n))) EXPECT_LE(c.end, n);
}

TEST(LoadableMagic, NamesWhatALoaderCanStartAt) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"\x80\4\x95"s, "pickle"},
      {"\x80\2c"s, "pickle"},
      {"PK\3\4", "zip"},
      {"PK\5\6", "zip"},
      {"7z\xbc\xaf\x27\x1c", "7z"},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"},
      {"!<arch>\n", "ar"},
      {"\x1f\x8b\x08", "gzip"},
      {"\x78\x9c\x4b\x04\0\0"s, "zlib"},
      {"BZh91AY&SY", "bzip2"},
      {"\xfd"
       "7zXZ\0"s,
       "xz"},
      {"\x28\xb5\x2f\xfd", "zstd"},
      {"\x04\x22\x4d\x18", "lz4"},
      {"\x93NUMPY", "npy"},
      {"\x89HDF\r\n\x1a\n", "hdf5"},
      {"\x40\0\0\0\0\0\0\0{\""s, "safetensors"},
      {"GGUF\3\0\0\0"s, "gguf"},
      {"\x7f"
       "ELF",
       "elf"},
      {pe(), "pe"},
      {"\xfe\xed\xfa\xcf", "mach-o"},
      {"\xac\xed\0\5"s, "java-serialized"},
  };
  for (const auto& [bytes, format] : cases) EXPECT_EQ(magic(bytes), format) << format;
}

TEST(LoadableMagic, IsSilentOtherwise) {
  for (const auto bytes : {""sv, "\x80"sv, "\x80\4"sv, "\x80\6c"sv, "\x80\4\xff"sv, "hello"sv, "x\x9d\0\0\0\0\0"sv,
                           "\0\0\0\0\0\0\0\0{}"sv, "\x5d\0\0"sv, "PK"sv, "MZ"sv})
    EXPECT_EQ(magic(bytes), "") << bytes;
}

}  // namespace
}  // namespace assay::identify
