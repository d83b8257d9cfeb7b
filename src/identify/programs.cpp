#include "identify/programs.h"

#include <algorithm>
#include <array>
#include <optional>

#include "identify/look.h"

namespace assay::identify {
namespace {

using bytes::View;
using namespace std::string_view_literals;

constexpr std::size_t kHead = 4096;          // bytes of a program's beginning that are looked at
constexpr std::uint64_t kStretch = 1 << 20;  // bytes searched at one time
constexpr std::uint64_t kLongestMagic = 16;  // bytes

/// Numbers of one byte order.
struct Numbers {
  View bytes;
  bool is_big;
  std::uint64_t at(std::size_t offset, std::size_t n) const noexcept {
    return is_big ? big(bytes, offset, n) : little(bytes, offset, n);
  }
};

bool fits(std::uint64_t offset, std::uint64_t length, std::uint64_t size) noexcept {
  return offset <= size && length <= size - offset;
}

/// A copy: what `in` lends ends with its next look.
std::vector<std::byte> copy_of(Look& in, std::uint64_t at, std::size_t n) {
  const auto lent = in.at(at, n);
  return {lent.begin(), lent.end()};
}

// --- each returns where its program ends, or 0 where there is none ---

/// Where the program headers' segments end; 0 where one lies outside or none is loaded.
std::uint64_t elf_segments(Look& in, const Numbers& head, bool is_wide, std::uint64_t end) {
  const auto table = is_wide ? head.at(32, 8) : head.at(28, 4);
  const auto each = head.at(is_wide ? 54 : 42, 2), count = head.at(is_wide ? 56 : 44, 2);
  constexpr std::uint64_t kMost = 256, kLoad = 1;
  if (each != (is_wide ? 56u : 32u) || count == 0 || count > kMost || !fits(table, each * count, in.size())) return 0;
  const auto entries = copy_of(in, table, static_cast<std::size_t>(each * count));
  if (entries.size() < each * count) return 0;
  bool is_loaded = false;
  for (std::size_t at = 0; at < entries.size(); at += each) {
    const Numbers entry{View{entries}.subspan(at, each), head.is_big};
    const auto offset = is_wide ? entry.at(8, 8) : entry.at(4, 4);
    const auto length = is_wide ? entry.at(32, 8) : entry.at(16, 4);
    if (!fits(offset, length, in.size())) return 0;
    is_loaded |= entry.at(0, 4) == kLoad && length > 0;
    end = std::max(end, offset + length);
  }
  return is_loaded ? std::max(end, table + each * count) : 0;
}

/// Where the section headers end; 0 where they lie outside.
std::uint64_t elf_sections(Look& in, const Numbers& head, bool is_wide) {
  const auto table = is_wide ? head.at(40, 8) : head.at(32, 4);
  const auto each = head.at(is_wide ? 58 : 46, 2), count = head.at(is_wide ? 60 : 48, 2);
  if (table == 0 || each != (is_wide ? 64u : 40u) || count == 0 || !fits(table, each * count, in.size())) return 0;
  return table + each * count;
}

std::uint64_t elf(View v, Look& in) {
  const auto width = byte_at(v, 4), order = byte_at(v, 5);
  if ((width != 1 && width != 2) || (order != 1 && order != 2) || byte_at(v, 6) != 1) return 0;
  const Numbers head{v, order == 2};
  const bool is_wide = width == 2;
  const auto type = head.at(16, 2), machine = head.at(18, 2);
  constexpr std::uint64_t kRelocatable = 1, kCore = 4, kMostMachine = 0x200;
  if (type < kRelocatable || type > kCore || machine == 0 || machine > kMostMachine || head.at(20, 4) != 1) return 0;
  if (head.at(is_wide ? 52 : 40, 2) != (is_wide ? 64u : 52u)) return 0;
  const auto sections = elf_sections(in, head, is_wide);
  return type == kRelocatable ? sections : elf_segments(in, head, is_wide, sections);
}

std::uint64_t pe(View v, Look& in) {
  const auto header = little(v, 0x3c, 4);
  constexpr std::uint64_t kFurthest = 1 << 20, kHeader = 24, kSection = 40, kMostSections = 96;
  if (v.size() < 64 || header < 4 || header > kFurthest || !fits(header, kHeader, in.size())) return 0;
  const auto coff = copy_of(in, header, kHeader + 2);
  if (!begins(coff, "PE\0\0"sv)) return 0;
  const auto machine = little(coff, 4, 2), count = little(coff, 6, 2), optional = little(coff, 20, 2);
  const auto flags = little(coff, 22, 2), kind = little(coff, 24, 2);
  constexpr std::array<std::uint64_t, 9> kMachines{0x14c, 0x8664, 0xaa64, 0x1c0, 0x1c2, 0x1c4, 0x200, 0xebc, 0xa641};
  constexpr std::uint64_t kExecutable = 2;
  if (std::find(kMachines.begin(), kMachines.end(), machine) == kMachines.end()) return 0;
  if (count == 0 || count > kMostSections || (flags & kExecutable) == 0 || (kind != 0x10b && kind != 0x20b)) return 0;
  const auto table = header + kHeader + optional;
  if (optional < 96 || !fits(table, kSection * count, in.size())) return 0;
  const auto sections = copy_of(in, table, static_cast<std::size_t>(kSection * count));
  auto end = table + kSection * count;
  bool has_bytes = false;
  for (std::size_t at = 0; at + kSection <= sections.size(); at += kSection) {
    const auto length = little(sections, at + 16, 4), offset = little(sections, at + 20, 4);
    if (length == 0) continue;
    if (!fits(offset, length, in.size())) return 0;
    has_bytes = true;
    end = std::max(end, offset + length);
  }
  return has_bytes ? end : 0;
}

bool is_apple_processor(std::uint64_t type) noexcept {
  constexpr std::array<std::uint64_t, 7> kKnown{7, 0x01000007, 12, 0x0100000c, 0x0200000c, 18, 0x01000012};
  return std::find(kKnown.begin(), kKnown.end(), type) != kKnown.end();
}

std::uint64_t mach_o(View v, Look& in) {
  const bool is_big = byte_at(v, 0) == 0xfe;
  const Numbers head{v, is_big};
  const bool is_wide = head.at(0, 4) == 0xfeedfacf;
  const std::uint64_t begin = is_wide ? 32 : 28, count = head.at(16, 4), length = head.at(20, 4);
  constexpr std::uint64_t kMostCommands = 10'000, kMostBytes = 1 << 20, kSegment = 1, kSegment64 = 0x19;
  if (!is_apple_processor(head.at(4, 4)) || head.at(12, 4) == 0 || head.at(12, 4) > 12) return 0;
  if (count == 0 || count > kMostCommands || length > kMostBytes || !fits(begin, length, in.size())) return 0;
  auto end = begin + length;
  bool has_segment = false;
  auto at = begin;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!fits(at, 8, begin + length)) return 0;
    const auto copy = copy_of(in, at, 56);
    const Numbers command{copy, is_big};
    const auto kind = command.at(0, 4), size = command.at(4, 4);
    if (size < 8 || size % 4 != 0 || !fits(at, size, begin + length)) return 0;
    if (kind == kSegment || kind == kSegment64) {
      const bool wide = kind == kSegment64;
      const auto offset = wide ? command.at(40, 8) : command.at(32, 4);
      const auto bytes = wide ? command.at(48, 8) : command.at(36, 4);
      if (!fits(offset, bytes, in.size())) return 0;
      has_segment = true;
      end = std::max(end, offset + bytes);
    }
    at += size;
  }
  return has_segment ? end : 0;
}

/// Several programs for as many processors, each of which begins like one.
std::uint64_t mach_o_fat(View v, Look& in) {
  const bool is_wide = byte_at(v, 3) == 0xbf;
  const auto count = big(v, 4, 4);
  const std::size_t each = is_wide ? 32 : 20;
  constexpr std::uint64_t kMost = 30;
  if (count == 0 || count > kMost || !fits(8, each * count, in.size())) return 0;
  std::uint64_t end = 8 + each * count;
  for (std::size_t i = 0; i < count; ++i) {
    const auto entry = 8 + each * i;
    const auto offset = big(v, entry + 8, is_wide ? 8 : 4),
               length = big(v, entry + (is_wide ? 16 : 12), is_wide ? 8 : 4);
    if (!is_apple_processor(big(v, entry, 4)) || offset < 8 + each * count || !fits(offset, length, in.size()))
      return 0;
    const auto magic = copy_of(in, offset, 4);
    const bool is_program = little(magic, 0, 4) >> 1 == 0xfeedface >> 1 || big(magic, 0, 4) >> 1 == 0xfeedface >> 1;
    if (length < 28 || !is_program) return 0;
    end = std::max(end, offset + length);
  }
  return end;
}

/// Cosmopolitan: a shell script that is a PE as well, or prints an ELF header.
std::uint64_t ape(View v, Look& in) {
  if (const auto end = pe(v, in); end > 0) return end;
  const auto script = copy_of(in, 0, 8192);
  const auto elf_header = bytes::text(script).find("printf '\\177ELF");
  return elf_header == std::string_view::npos ? 0 : std::min<std::uint64_t>(in.size(), 8192);
}

bool is_text_byte(char c) noexcept { return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' || c == '\r'; }

bool is_interpreter(std::string_view line) {
  constexpr std::array kNames{"sh"sv,   "bash"sv, "dash"sv,   "zsh"sv,  "ksh"sv,     "fish"sv,  "python"sv,   "perl"sv,
                              "ruby"sv, "node"sv, "php"sv,    "lua"sv,  "awk"sv,     "tclsh"sv, "pwsh"sv,     "env"sv,
                              "deno"sv, "bun"sv,  "expect"sv, "make"sv, "Rscript"sv, "julia"sv, "osascript"sv};
  const auto path = line.substr(0, line.find_first_of(" \t\r"));
  auto name = path.substr(path.rfind('/') + 1);
  name = name.substr(0, name.find_first_of("0123456789."));
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// "#!", the path of a known interpreter, and text behind it.
std::uint64_t script(View v, Look& in) {
  constexpr std::size_t kLongestLine = 255, kLeast = 8;  // bytes; of a program
  const auto text = bytes::text(v);
  const auto line_end = text.substr(0, kLongestLine).find('\n');
  const auto path = text.find_first_not_of(" \t", 2);
  if (line_end == text.npos || path >= line_end || text[path] != '/') return 0;
  if (!is_interpreter(text.substr(path, line_end - path))) return 0;
  const auto stop = std::find_if_not(text.begin(), text.end(), is_text_byte);
  const auto end = static_cast<std::size_t>(stop - text.begin());
  if (end < line_end + 1 + kLeast && end < in.size()) return 0;
  return end > line_end + 1 ? end : 0;
}

/// JVMS 4.4: every constant has a known tag and lies inside; then the class names itself.
std::uint64_t java_class(View v, Look& in) {
  const auto major = big(v, 6, 2), count = big(v, 8, 2);
  if (major < 45 || major > 90 || count < 5) return 0;
  std::uint64_t at = 10;
  for (std::uint64_t i = 1; i < count; ++i) {
    const auto constant = in.at(at, 3);
    if (constant.size() < 3) return 0;
    const auto tag = byte_at(constant, 0);
    constexpr std::array<unsigned char, 21> kBytes{0, 0, 0, 5, 5, 9, 9, 3, 3, 5, 5, 5, 5, 0, 0, 4, 3, 5, 5, 3, 3};
    const std::uint64_t length = tag == 1 ? 3 + big(constant, 1, 2) : tag < kBytes.size() ? kBytes[tag] : 0;
    if (length == 0 || !fits(at, length, in.size())) return 0;
    if (tag == 5 || tag == 6) ++i;  // long and double take two numbers
    at += length;
  }
  const auto own = in.at(at, 8);
  const auto this_class = big(own, 2, 2), super_class = big(own, 4, 2);
  return own.size() == 8 && this_class > 0 && this_class < count && super_class < count ? at + 8 : 0;
}

std::uint64_t dex(View v, Look& in) {
  const auto size = little(v, 32, 4);
  const bool is_version = byte_at(v, 4) == '0' && byte_at(v, 5) >= '3' && byte_at(v, 5) <= '4' && byte_at(v, 7) == 0;
  if (!is_version || little(v, 36, 4) != 0x70 || little(v, 40, 4) != 0x12345678) return 0;
  return size >= 0x70 && size <= in.size() ? size : 0;
}

/// MS-SHLLINK 2.1: the header's size and class id are the magic; some bits must be zero.
std::uint64_t lnk(View v, Look& in) {
  constexpr std::uint64_t kHeader = 76;
  const bool is_sane = (little(v, 20, 4) >> 27) == 0 && little(v, 66, 2) == 0 && little(v, 68, 8) == 0;
  return in.size() >= kHeader && is_sane ? kHeader : 0;
}

/// MS-CFB 2.2.
std::uint64_t ole(View v, Look& in) {
  const auto major = little(v, 26, 2), shift = little(v, 30, 2), directory = little(v, 48, 4);
  const bool is_sane = little(v, 28, 2) == 0xfffe && ((major == 3 && shift == 9) || (major == 4 && shift == 12));
  if (!is_sane || little(v, 8, 8) != 0 || little(v, 32, 2) != 6) return 0;
  const auto begin = (directory + 1) << shift;
  return fits(begin, 128, in.size()) ? begin + 128 : 0;
}

/// A zip whose first member is a jar's.
std::uint64_t jar(View v, Look& in) {
  const auto name = little(v, 26, 2), extra = little(v, 28, 2);
  const bool is_sane = little(v, 4, 2) <= 63 && (little(v, 8, 2) == 0 || little(v, 8, 2) == 8);
  if (!is_sane || name < 9 || name > 255 || v.size() < 39) return 0;
  return begins(v.subspan(30), "META-INF/") && fits(30, name + extra, in.size()) ? 30 + name + extra : 0;
}

struct Kind {
  std::string_view magic;
  Program is;
  std::uint64_t (*end)(View head, Look& in);
};

constexpr Program kMachO{"mach-o", "a macOS program or library"};
constexpr std::array kKinds{
    Kind{"\x7f\x45LF", {"elf", "a Linux program or library"}, elf},
    Kind{"MZqFpD='", {"ape", "a program for every system"}, ape},
    Kind{"jartsr='", {"ape", "a program for every system"}, ape},
    Kind{"MZ", {"pe", "a Windows program or library"}, pe},
    Kind{"\xfe\xed\xfa\xce", kMachO, mach_o},
    Kind{"\xfe\xed\xfa\xcf", kMachO, mach_o},
    Kind{"\xce\xfa\xed\xfe", kMachO, mach_o},
    Kind{"\xcf\xfa\xed\xfe", kMachO, mach_o},
    Kind{"\xca\xfe\xba\xbe", kMachO, mach_o_fat},
    Kind{"\xca\xfe\xba\xbf", kMachO, mach_o_fat},
    Kind{"\xca\xfe\xba\xbe", {"java-class", "a Java class"}, java_class},
    Kind{"dex\n", {"dex", "Android byte code"}, dex},
    Kind{"\x4c\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0"sv, {"lnk", "a Windows shortcut, which starts a program"}, lnk},
    Kind{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {"ole", "an Office document, which may carry macros"}, ole},
    Kind{"PK\3\4", {"jar", "a Java program"}, jar},
    Kind{"#!/", {"script", "a script"}, script},
    Kind{"#! /", {"script", "a script"}, script},
};

/// The first two bytes of every magic, as a set that one look answers.
class Pairs {
 public:
  constexpr Pairs() {
    for (const auto& kind : kKinds) {
      const auto pair = pair_of(static_cast<unsigned char>(kind.magic[0]), static_cast<unsigned char>(kind.magic[1]));
      bits_[pair / 64] |= 1ull << pair % 64;
    }
  }
  /// The first place from `at` on where a magic may begin, or the end.
  std::size_t next(View all, std::size_t at) const noexcept {
    const auto* data = reinterpret_cast<const unsigned char*>(all.data());
    const auto last = all.size() < 2 ? 0 : all.size() - 1;
    for (; at < last; ++at) {
      const auto pair = pair_of(data[at], data[at + 1]);
      if ((bits_[pair / 64] >> pair % 64 & 1) != 0) return at;
    }
    return all.size();
  }

 private:
  static constexpr unsigned pair_of(unsigned first, unsigned second) noexcept { return second << 8 | first; }
  std::array<std::uint64_t, (1 << 16) / 64> bits_{};
};

Program program_with(View head, const bytes::Source& rest) {
  Look in{rest};
  for (const auto& kind : kKinds) {
    if (!begins(head, kind.magic)) continue;
    auto found = kind.is;
    found.end = kind.end(head, in);
    if (found.end > 0) return found;
  }
  return {};
}

/// One search through one range, stretch by stretch.
class Search {
 public:
  Search(const bytes::Source& source, std::uint64_t end) : source_{source}, end_{end} {}

  std::vector<Program> found;

  /// Looks at all places in [begin, begin + kStretch) that lie in the range.
  Result<void> look_at(std::uint64_t begin) {
    static const Pairs pairs;
    const auto stretch = TRY(bytes_at(begin));
    const auto stop = std::min<std::uint64_t>(stretch.size(), kStretch);
    auto at = static_cast<std::size_t>(std::max(begin, behind_) - begin);
    for (at = pairs.next(stretch, at); at < stop; at = pairs.next(stretch, at)) {
      at = static_cast<std::size_t>(TRY(next_after(begin + at, stretch.subspan(at))) - begin);
    }
    return {};
  }

 private:
  Result<View> bytes_at(std::uint64_t begin) {
    const auto length = std::min(end_ - begin, kStretch + kLongestMagic);
    if (const auto whole = source_.in_memory(); !whole.empty())
      return whole.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(length));
    buffer_.resize(static_cast<std::size_t>(length));
    const auto got = TRY(source_.read_at(begin, buffer_));
    return View{buffer_}.first(got);
  }

  /// Takes the program at `at`, if there is one, and returns where to look on.
  Result<std::uint64_t> next_after(std::uint64_t at, View seen) {
    const bool may_begin =
        std::any_of(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return begins(seen, k.magic); });
    if (!may_begin) return at + 1;
    const bytes::WindowSource rest{source_, at, end_ - at};
    const auto head = TRY(bytes::read_up_to(rest, 0, kHead));
    auto program = program_with(head, rest);
    if (program.format.empty()) return at + 1;
    if (found.size() == kMostPrograms) return fail(Errc::limit_reached, at, "more programs than are kept");
    program.begin = at;
    program.end += at;
    behind_ = program.end;
    found.push_back(program);
    return program.end;
  }

  const bytes::Source& source_;
  std::uint64_t end_;
  std::uint64_t behind_ = 0;  ///< one past the program found last
  std::vector<std::byte> buffer_;
};

}  // namespace

Program program_at_start(const bytes::Source& source) {
  const auto head = bytes::read_up_to(source, 0, kHead);
  return head ? program_with(*head, source) : Program{};
}

Parsed<std::vector<Program>> find_programs(const bytes::Source& source, std::uint64_t begin, std::uint64_t end,
                                           const std::function<Result<void>()>& go_on) {
  end = std::min(end, source.size());
  Search search{source, end};
  std::optional<Error> stopped;
  for (auto at = begin; at < end && !stopped; at += std::min(end - at, kStretch)) {
    auto done = go_on ? go_on() : Result<void>{};
    if (done) done = search.look_at(at);
    if (!done) stopped = done.error();
  }
  return {std::move(search.found), stopped};
}

bool has_macros(const bytes::Source& source) {
  // A directory entry: 64 bytes of name in UTF-16, then the name's length. Entries are 128 bytes, in whole sectors.
  constexpr auto kName = "_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0"sv;
  constexpr std::size_t kEntry = 128, kLength = 64;
  for (std::uint64_t begin = 0; begin < source.size(); begin += kStretch) {
    const auto stretch = bytes::read_up_to(source, begin, kStretch + kEntry);
    if (!stretch) return false;
    const auto text = bytes::text(*stretch);
    for (auto at = text.find(kName); at != text.npos; at = text.find(kName, at + 1))
      if ((begin + at) % kEntry == 0 && little(*stretch, at + kLength, 2) >= kName.size() + 2) return true;
  }
  return false;
}

}  // namespace assay::identify
