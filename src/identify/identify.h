// What bytes are, by content and never by name: attackers choose names, loaders ignore them.
//
// Archives, compressed streams and 7z are recognised by container/*, pickles of protocol 0 and 1 by
// running them (format/pickle). Magic numbers: the formats' own specifications, named beside each check.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bytes/source.h"

namespace assay::identify {

enum class Use : std::uint8_t {
  readable,    ///< a reader of this project opens it
  plain,       ///< data that no loader acts on: prose, pictures, sound
  code,        ///< source, scripts, templates, documents that carry scripts: they run, and nobody here reads them
  executable,  ///< machine code and byte code
  model,       ///< a model format that no reader here examines yet
};

struct Claim {
  std::string_view format;  ///< a stable word: "pickle", "png", "elf"; a literal
  Use use;
  std::string_view says;  ///< for people: "a PNG picture"; a literal
  /// One past the last byte that the format's own structure reaches, at most the source's size. Bytes
  /// behind it belong to nobody: a PNG is read to IEND, and what follows is for others to explain.
  std::uint64_t end;
};

/// Every format that the bytes could be by magic and structure. Reads the first 4 KiB, and more (in
/// blocks of 64 KiB, at most 256 MiB) only where a structure is walked. A source that cannot be read
/// claims nothing. Pictures, sound and fonts are claimed only as far as their structure holds.
std::vector<Claim> identify(const bytes::Source& source);

/// The name of the format that some loader could begin to read at the first byte, or "". For bytes that
/// nobody owns and for byte strings inside pickles. Looks at no more than 512 bytes; 64 are enough for
/// all but tar. Names what container/* reads as well.
std::string_view loadable_magic(bytes::View head) noexcept;

struct Text {
  bool is_text = false;     ///< false: the rest is empty, and Use::plain means nothing
  std::string_view format;  ///< "text", "python-source", "svg", ...; a literal
  Use use = Use::plain;     ///< plain, code or model
  std::string_view says;    ///< a literal
};

/// Whether all of the source is text, and whether that text is code. Text is UTF-8 (or UTF-16 or UTF-32
/// with a byte order mark) without NUL and with at most one control character in a hundred bytes.
/// Reads the whole source in blocks of 64 KiB; memory is constant. Fails only as the source fails.
///
/// Code means: an interpreter, a template engine or a browser would accept the whole file as such. A
/// model card with commands in it is prose.
Result<Text> classify_text(const bytes::Source& source);

}  // namespace assay::identify
