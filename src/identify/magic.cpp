#include "identify/magic.h"

#include <algorithm>
#include <array>

#include "identify/identify.h"
#include "identify/look.h"

namespace assay::identify {
namespace {

using bytes::View;
using namespace std::string_view_literals;

struct Known {
  std::string_view magic;
  Magic is;
};

template <std::size_t n>
Magic first_of(const std::array<Known, n>& table, View head) noexcept {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Known& k) { return begins(head, k.magic); });
  return found == table.end() ? Magic{} : found->is;
}

constexpr Magic kMachO{"mach-o", "a macOS program or library"};

constexpr std::array kPrograms{
    Known{"\x7f\x45LF", {"elf", "a Linux program or library"}},
    Known{"MZqFpD", {"ape", "a program for every system"}},  // Cosmopolitan; also a shell script and a PE
    Known{"jartsr='", {"ape", "a program for every system"}},
    Known{"\xfe\xed\xfa\xce", kMachO},
    Known{"\xfe\xed\xfa\xcf", kMachO},
    Known{"\xce\xfa\xed\xfe", kMachO},
    Known{"\xcf\xfa\xed\xfe", kMachO},
    Known{"\xca\xfe\xba\xbf", kMachO},
    Known{"\0asm"sv, {"wasm", "a WebAssembly module"}},
    Known{"dex\n03", {"dex", "Android byte code"}},
    Known{"dex\n04", {"dex", "Android byte code"}},
    Known{"\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"sv, {"lnk", "a Windows shortcut, which starts a program"}},
    Known{"\xac\xed\0\5"sv, {"java-serialized", "serialised Java objects, which run code when read"}},
    Known{"\x1bLua", {"lua-bytecode", "compiled Lua"}},
    Known{"BC\xc0\xde", {"llvm-bitcode", "LLVM byte code"}},
    Known{"!<arch>\n", {"ar", "a library of machine code"}},
    Known{"!<thin>\n", {"ar", "a library of machine code"}},
};

constexpr std::array kModels{
    Known{"GGUF\1\0\0\0"sv, {"gguf", "a GGUF model"}},
    Known{"GGUF\2\0\0\0"sv, {"gguf", "a GGUF model"}},
    Known{"GGUF\3\0\0\0"sv, {"gguf", "a GGUF model"}},
    Known{"GGUF\0\0\0"sv, {"gguf", "a GGUF model for big-endian machines"}},
    Known{"PAR1\x15", {"parquet", "a Parquet table"}},
    Known{"ARROW1\0\0"sv, {"arrow", "an Arrow table"}},
    Known{"SQLite format 3\0"sv, {"sqlite", "an SQLite database"}},
    Known{"Obj\1", {"avro", "an Avro file"}},
    Known{"CBM1", {"catboost", "a CatBoost model"}},
    Known{"\xba\x16\x4f\x2f", {"fasttext", "a fastText model"}},
    Known{"RDX2\nX\n", {"rdata", "R data, which can run code when read"}},
    Known{"RDX3\nX\n", {"rdata", "R data, which can run code when read"}},
    Known{"RDA2\nA\n", {"rdata", "R data, which can run code when read"}},
    Known{"RDA3\nA\n", {"rdata", "R data, which can run code when read"}},
    Known{"X\n\0\0\0\2"sv, {"rds", "an R object, which can run code when read"}},
    Known{"X\n\0\0\0\3"sv, {"rds", "an R object, which can run code when read"}},
};

/// Magics of the years before GGUF, as little-endian numbers, each followed by a small version or count.
bool is_ggml(View head) noexcept {
  constexpr std::array kNames{"lmgg"sv, "fmgg"sv, "tjgg"sv, "algg"sv};
  return head.size() >= 8 && byte_at(head, 7) == 0 &&
         std::any_of(kNames.begin(), kNames.end(), [&](std::string_view n) { return begins(head, n); });
}

/// FlatBuffers: u32 offset of the root, then a name of four characters.
bool is_flatbuffer(View head, std::uint64_t size, std::string_view name) noexcept {
  const auto root = little(head, 0, 4);
  return head.size() >= 8 && begins(head.subspan(4), name) && root >= 4 && root < size;
}

/// Its first message: field 1 { field 1: the piece, field 2: a float, ... }.
bool is_sentencepiece(View head) noexcept {
  const auto outer = byte_at(head, 1), piece = byte_at(head, 3);
  return byte_at(head, 0) == 0x0a && byte_at(head, 2) == 0x0a && piece > 0 && outer >= piece + 7 &&
         outer <= piece + 9 && byte_at(head, 4 + piece) == 0x15;
}

/// The textual form of an R object: "A", its version, then R's version as six digits.
bool is_rds_text(View head) noexcept {
  const auto text = bytes::text(head);
  return text.size() > 10 && (text.starts_with("A\n2\n") || text.starts_with("A\n3\n")) && text[10] == '\n' &&
         text.substr(4, 6).find_first_not_of("0123456789") == text.npos;
}

/// Git LFS specification v1: sorted lines, below 1,024 bytes in all.
bool is_lfs_pointer(View head, std::uint64_t size) noexcept {
  const auto text = bytes::text(head);
  if (size >= 1024 || (!text.starts_with("version https://git-lfs.github.com/spec/v1\n") &&
                       !text.starts_with("version https://hawser.github.com/spec/v1\n")))
    return false;
  constexpr auto kOid = "\noid sha256:"sv;
  const auto oid = text.find(kOid);
  if (oid == text.npos || text.size() - oid < kOid.size() + 64) return false;
  const auto hash = text.substr(oid + kOid.size(), 64), rest = text.substr(oid + kOid.size() + 64);
  return hash.find_first_not_of("0123456789abcdef") == hash.npos && rest.starts_with("\nsize ") && rest.size() > 6 &&
         rest[6] >= '0' && rest[6] <= '9';
}

/// IMAGE_DOS_HEADER.e_lfanew: where the real header stands. Behind the first header, and not absurdly far.
bool is_pe(View head, std::uint64_t size) noexcept {
  if (!begins(head, "MZ") || head.size() < 64) return false;
  const auto header = little(head, 0x3c, 4);
  if (header < 4 || header > size || size - header < 4 || header > (1u << 20)) return false;
  if (header + 4 > head.size()) return true;
  const auto name = head.subspan(static_cast<std::size_t>(header));
  return begins(name, "PE\0\0"sv) || begins(name, "NE") || begins(name, "LE") || begins(name, "LX");
}

/// CAFEBABE is a Java class (its major version is 45 or more) or a universal Mach-O (a count of programs).
Magic cafebabe(View head) noexcept {
  const auto number = big(head, 4, 4);
  if (!begins(head, "\xca\xfe\xba\xbe") || head.size() < 8 || number == 0) return {};
  if (number < 45) return kMachO;
  return big(head, 6, 2) >= 45 && big(head, 6, 2) < 200 ? Magic{"java-class", "a Java class"} : Magic{};
}

/// CPython: u16 magic that grows with each version | CR LF | flags (a bit field since 3.7) or a time.
bool is_pyc(View head) noexcept {
  const auto magic = little(head, 0, 2);
  if (head.size() < 12 || big(head, 2, 2) != 0x0d0a) return false;
  return (magic >= 3000 && magic < 4000) || (magic >= 20121 && magic <= 62300);
}

bool is_pickle_opcode(unsigned op) noexcept {
  constexpr auto kText = "(.0123FIJKLMNPQRSTUVXabcd}eghijlo]pqrst)uGBC"sv;
  return op >= 0x80 ? op <= 0x98 : kText.find(static_cast<char>(op)) != kText.npos;
}

/// RFC 1950 and the first block of RFC 1951: five redundant bits, a possible block type, possible counts.
bool is_zlib(View head) noexcept {
  if (head.size() < 6 || (byte_at(head, 0) & 15) != 8 || byte_at(head, 0) >> 4 > 7) return false;
  if (big(head, 0, 2) % 31 != 0 || (byte_at(head, 1) & 0x20) != 0) return false;
  const auto block = byte_at(head, 2) >> 1 & 3;
  if (block == 0) return (little(head, 3, 2) ^ little(head, 5, 2)) == 0xffff && head.size() >= 7;
  if (block == 2) return byte_at(head, 2) >> 3 <= 29 && (byte_at(head, 3) & 31) <= 29;
  return block == 1;
}

/// The properties every encoder writes, a dictionary of whole 64 KiB, a size that is unknown or below 1 TiB.
bool is_lzma(View head) noexcept {
  if (head.size() < 14 || byte_at(head, 0) != 0x5d || little(head, 1, 2) != 0 || byte_at(head, 13) != 0) return false;
  const auto size = little(head, 5, 8);
  return size == UINT64_MAX || size < 1ull << 40;
}

constexpr std::array kCompressed{
    Known{"PK\3\4", {"zip", ""}},           Known{"PK\5\6", {"zip", ""}},
    Known{"PK\7\x08PK", {"zip", ""}},       Known{"7z\xbc\xaf\x27\x1c", {"7z", ""}},
    Known{"\x1f\x8b\x08", {"gzip", ""}},    Known{"\xfd\x37zXZ\0"sv, {"xz", ""}},
    Known{"Rar!\x1a\7", {"rar", ""}},       Known{"\x28\xb5\x2f\xfd", {"zstd", ""}},
    Known{"\x04\x22\x4d\x18", {"lz4", ""}}, Known{"\x02\x21\x4c\x18", {"lz4", ""}},
    Known{"\x93NUMPY", {"npy", ""}},        Known{kHdf5, {"hdf5", ""}},
};

bool is_bzip2(View head) noexcept {
  return head.size() >= 10 && begins(head, "BZh") && byte_at(head, 3) >= '1' && byte_at(head, 3) <= '9' &&
         (begins(head.subspan(4), "\x31\x41\x59\x26\x53\x59") || begins(head.subspan(4), "\x17\x72\x45\x38\x50\x90"));
}

/// A frame that zstd and lz4 step over; its length is little-endian and small where it is meant so.
bool is_skippable_frame(View head) noexcept {
  return head.size() >= 8 && (byte_at(head, 0) & 0xf0) == 0x50 && begins(head.subspan(1), "\x2a\x4d\x18");
}

std::string_view stream_or_archive(View head) noexcept {
  if (const auto known = first_of(kCompressed, head); !known.format.empty()) return known.format;
  if (is_bzip2(head)) return "bzip2";
  if (is_skippable_frame(head)) return "zstd";
  if (head.size() >= 262 && begins(head.subspan(257), "ustar")) return "tar";
  if (is_zlib(head)) return "zlib";
  if (is_lzma(head)) return "lzma";
  return {};
}

}  // namespace

bool starts_pickle(View head) noexcept { return head.size() >= 2 && byte_at(head, 0) == 0x80; }

bool is_safetensors(View head, std::uint64_t size) noexcept {
  constexpr std::uint64_t kMostHeader = 100'000'000;  // bytes; the format's own limit
  const auto length = little(head, 0, 8);
  if (head.size() < 10 || length < 2 || length > kMostHeader) return false;
  const auto json = bytes::text(head.subspan(8));
  const auto next_word = [&](std::size_t at) { return std::min(json.find_first_not_of(" \t\r\n", at), json.size()); };
  const auto open = next_word(0);
  if (open == json.size()) return length >= json.size() && size - 8 > json.size();  // blank as far as one can see
  const auto inside = next_word(open + 1);
  if (json[open] != '{' || (inside < json.size() && json[inside] != '"' && json[inside] != '}')) return false;
  return length <= size - 8 || byte_at(head, 9) == '"';  // the latter is one that was cut short
}

Magic program(View head, std::uint64_t size) noexcept {
  if (const auto known = first_of(kPrograms, head); !known.format.empty()) return known;
  if (is_pe(head, size)) return {"pe", "a Windows program or library"};
  if (is_pyc(head)) return {"python-bytecode", "compiled Python"};
  return cafebabe(head);
}

Magic model(View head, std::uint64_t size) noexcept {
  if (const auto known = first_of(kModels, head); !known.format.empty()) return known;
  if (begins(head, kHdf5)) return {"hdf5", "an HDF5 file"};
  if (is_ggml(head)) return {"ggml", "a GGML model"};
  if (is_flatbuffer(head, size, "TFL3")) return {"tflite", "a TensorFlow Lite model"};
  if (is_flatbuffer(head, size, "ET12")) return {"executorch", "an ExecuTorch program"};
  if (is_rds_text(head)) return {"rds", "an R object, which can run code when read"};
  if (is_sentencepiece(head)) return {"sentencepiece", "a SentencePiece tokenizer"};
  if (is_lfs_pointer(head, size)) return {"git-lfs-pointer", "a Git LFS pointer; the content itself is not here"};
  return {};
}

Magic document(View head) noexcept {
  constexpr std::array kDocuments{
      Known{"%PDF-", {"pdf", "a PDF document, which may carry scripts"}},
      Known{"%!PS", {"postscript", "a PostScript program"}},
      Known{"{\\rtf", {"rtf", "an RTF document, which may carry objects"}},
      Known{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {"ole", "an Office document, which may carry macros"}},
  };
  return first_of(kDocuments, head);
}

std::string_view loadable_magic(View head) noexcept {
  head = head.first(std::min<std::size_t>(head.size(), 512));
  if (starts_pickle(head))
    return byte_at(head, 1) >= 2 && byte_at(head, 1) <= 5 && head.size() >= 3 && is_pickle_opcode(byte_at(head, 2))
               ? "pickle"
               : "";
  if (const auto found = stream_or_archive(head); !found.empty()) return found;
  // How much follows is not known here, so every size that is declared may be true.
  if (const auto found = program(head, UINT64_MAX); !found.format.empty()) return found.format;
  if (is_safetensors(head, UINT64_MAX)) return "safetensors";
  if (const auto found = document(head); found.format == "ole") return found.format;  // no word begins like one
  const auto found = model(head, UINT64_MAX);
  // Two bytes of length and a tag are too little to stop at inside somebody else's data.
  return found.format == "sentencepiece" ? std::string_view{} : found.format;
}

}  // namespace assay::identify
