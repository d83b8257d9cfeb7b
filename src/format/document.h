// What a file says, without opinion: the facts of one artifact as one self-contained value.
//
// Readers fill it inside a cell, the parent validates it, `assay facts` writes it, `assay judge`
// reads it back. Rules never touch bytes; they see this. docs/document.md describes the JSON form.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/kept.h"
#include "base/result.h"
#include "bytes/coverage.h"

namespace assay::format {

/// Loader profiles: a reading follows one of them as a whole. A set of profiles is a bit mask.
enum class Profile : std::uint8_t {
  cpython_c,         ///< _pickle.c of 3.8 to 3.13, from memory: numbers in base 0, frames are advice
  cpython_c_file,    ///< the same from a file: an argument that crosses a frame's end loses its first part
  cpython_c_strict,  ///< _pickle.c from 3.14 on: numbers in base 10, frames are walls
  cpython_py,        ///< pickle.py: frames are walls
  joblib,            ///< pickle.py as joblib drives it: array bytes stand between the opcodes
  pickletools,       ///< the disassembler; nobody loads with it, most scanners read with it
};
inline constexpr unsigned kProfiles = 6;
using Profiles = std::uint8_t;
inline constexpr Profiles kAllProfiles = (1u << kProfiles) - 1;
/// The set of the given profiles.
template <class... P>
constexpr Profiles bits(P... p) {
  return static_cast<Profiles>((0u | ... | (1u << static_cast<unsigned>(p))));
}
inline constexpr Profiles kLoaders = kAllProfiles & static_cast<Profiles>(~bits(Profile::pickletools));
std::string_view to_string(Profile profile) noexcept;

/// A value as far as it can be known without running anything.
struct Expr {
  enum class Kind : std::uint8_t {
    unknown,  ///< could not be followed (cut short, overwritten, made by unknown code)
    none,
    boolean,
    integer,
    real,
    text,
    bytes,
    symbol,  ///< an imported object: `text` is the module, `name` the dotted name
    call,    ///< the result of a call: items[0] is the callee, the rest its arguments
    tuple,
    list,
    dict,
    set,         ///< items in order; a dict alternates key and value
    instance,    ///< made by NEWOBJ or by a class of __main__: items[0] is the class, the rest its arguments
    persistent,  ///< what persistent_load returned for items[0]
    extension,   ///< copyreg extension code `text`
  };
  Kind kind = Kind::unknown;
  bool cut = false;        ///< part of the value is not here
  std::uint64_t size = 0;  ///< true length: bytes of text, number of items
  std::string text;        ///< literal as text (number), raw bytes (text, bytes), module (symbol)
  std::string name;        ///< symbol only
  std::vector<Expr> items;

  bool operator==(const Expr&) const = default;
};
inline constexpr std::uint8_t kLastExprKind = static_cast<std::uint8_t>(Expr::Kind::extension);

/// A place in an artifact: which member, which byte of that member.
struct Place {
  std::uint32_t member = 0;  ///< index into Document::members
  std::uint64_t offset = 0;  ///< bytes from the member's start
  bool operator==(const Place&) const = default;
};

/// An artifact inside an artifact. members[0] is the artifact itself.
struct Member {
  std::uint32_t parent = 0;          ///< index of the containing member; its own index for the root
  std::string name;                  ///< raw bytes as the container has them; "" for the root
  std::string role;                  ///< how it hides there: "file", "zip member", "gzip stream", "byte string", ...
  std::uint64_t offset = 0;          ///< where its (possibly compressed) bytes start in the parent
  std::uint64_t size = 0;            ///< bytes, after decompression
  std::vector<std::string> formats;  ///< every format its bytes were recognised as: "pickle", "zip", "text", ...
  bytes::Coverage coverage;
  bool operator==(const Member&) const = default;
};

struct Import {
  Place place;  ///< of the opcode, the first time
  Profiles profiles = 0;
  std::string module;    ///< after Python 2 names are mapped
  std::string name;      ///< dotted where the loader walks attributes
  std::string written;   ///< "module name" as in the file, where that differs; else empty
  bool resolved = true;  ///< false: module or name is not a constant; both hold what is known
  std::uint64_t count = 1;
  bool operator==(const Import&) const = default;
};

struct Call {
  enum class Kind : std::uint8_t { reduce, inst, obj, newobj, newobj_ex, build, append, setitem, add, persistent };
  Place place;  ///< of the opcode, the first time
  Profiles profiles = 0;
  Kind kind = Kind::reduce;
  Expr callee;              ///< for build, append, setitem, add: the object that is changed
  std::vector<Expr> args;   ///< for build: the state; for setitem: key and value
  std::uint64_t count = 1;  ///< calls that are the same as far as judgement goes
  bool sampled = false;     ///< other calls of this callee had other arguments, which are not here
  bool operator==(const Call&) const = default;
};
inline constexpr std::uint8_t kLastCallKind = static_cast<std::uint8_t>(Call::Kind::persistent);
std::string_view to_string(Call::Kind kind) noexcept;  ///< "REDUCE", "INST", ...

/// One pickle that was read, from its first opcode to STOP or to where it broke.
struct Pickle {
  Place place;
  std::uint64_t end = 0;      ///< member offset one past its last byte
  Profiles profiles = 0;      ///< that read it up to `end`
  std::uint8_t protocol = 0;  ///< highest PROTO seen
  bool stopped = true;        ///< reached STOP
  bool weak = false;          ///< no PROTO at its start: perhaps prose that looks like one
  std::uint64_t opcodes = 0;
  bool operator==(const Pickle&) const = default;
};

/// Something about the structure that a rule may care about. `id` is a stable word of rules/structure.toml.
struct Quirk {
  Place place;
  Profiles profiles = 0;  ///< 0 where profiles do not apply
  std::string id;         ///< "zip.duplicate-differs"
  std::string detail;     ///< raw: a member name, two numbers; escaped only where it is printed
  bool operator==(const Quirk&) const = default;
};

/// A reader had to stop before the end of its bytes.
struct Stop {
  Place place;
  Profiles profiles = 0;
  std::string reader;  ///< "pickle", "zip", "gzip", ...
  Errc code = Errc::malformed;
  std::string what;
  bool operator==(const Stop&) const = default;
};

/// A PyTorch checkpoint's summary, and whether torch.load(weights_only=True) would take it.
struct Checkpoint {
  std::uint32_t member = 0;
  std::string layout;  ///< "zip", "legacy", "tar"
  std::uint64_t tensors = 0;
  std::uint64_t tensor_bytes = 0;  ///< of the storages
  bool weights_only = false;
  std::string reason;  ///< the first reason against, empty when weights_only
  Place reason_place;
  bool operator==(const Checkpoint&) const = default;
};

/// A relation to another path of the repository, as this artifact states it.
struct Reference {
  std::string kind;    ///< "shard", "symlink", "code", "external-data"
  std::string target;  ///< raw path, relative to the artifact's folder
  bool operator==(const Reference&) const = default;
};

/// Where an artifact stands in the history of a git repository. Texts are raw, and as the repository has them: an
/// author is whoever the commit says.
struct Origin {
  std::string object;  ///< id of the blob, in hex
  std::string commit;  ///< that brought it, in hex; empty where it is staged, or where a tag names it
  std::string author;
  std::string email;
  std::string date;               ///< "2023-11-14T22:13:20Z", the author's; empty without a commit
  std::uint64_t other_paths = 0;  ///< under which the same blob was met too
  bool operator==(const Origin&) const = default;
};

/// What an engine that reads bytes reported at one place.
struct Observation {
  std::string engine;  ///< "secrets", "avScan", "yara"
  std::string rule;    ///< "secret.huggingface.token", a signature's or a YARA rule's name
  Place place;
  std::uint64_t length = 0;  ///< bytes; 0 where the engine tells no extent
  std::uint64_t line = 0;    ///< counted from 1; 0 where the member is no text
  std::string shown;         ///< what may be shown of the bytes: a secret's ends, never all of it
  std::string fingerprint;   ///< of a secret, 16 hex digits under a key: equal wherever the same secret stands
  std::string detail;        ///< in the engine's own words
  std::string verification;  ///< by its issuer, where one was asked: "verified", "refused" or "unreachable"
  std::string severity;      ///< the engine's own word for how bad it is; may be empty
  std::string secret;        ///< all of it, where somebody asked for it; no codec writes it
  bool operator==(const Observation&) const = default;
};

/// How an engine that reads bytes ran over this artifact. One that did not run has no entry, or says why in `what`.
struct EngineRun {
  Kept engine;
  Kept version;          ///< of the engine, filled by the parent
  Kept rule_set;         ///< its stamp: what was found with older rules is kept, what was not found is not known
  bool complete = true;  ///< false: something was left out
  Kept what;             ///< what was left out and why, for people
  std::uint64_t passed_over = 0;  ///< bytes of tensors, which this engine leaves out by intention
  bool operator==(const EngineRun&) const = default;
};

struct Document {
  Kept schema;       ///< "assay-document/1"
  Kept parser;       ///< "assay 0.1.0 pickle/1 zip/1 ..."; kept facts are stale when it changes
  std::string path;  ///< raw bytes, relative to the repository's root
  std::uint64_t size = 0;
  std::string sha256;  ///< lower-case hex, filled by the parent; empty where not computed
  Kept tier;           ///< how the reader was confined: "cell", "cell+one-shot", "unconfined"
  std::vector<Member> members;
  std::vector<Pickle> pickles;
  std::vector<Import> imports;
  std::vector<Call> calls;
  std::vector<Quirk> quirks;
  std::vector<Stop> stops;
  std::vector<Checkpoint> checkpoints;
  std::vector<Reference> references;
  std::vector<Observation> observations;
  std::vector<EngineRun> engines;  ///< each at most once
  std::vector<Origin> origins;     ///< filled by the parent; at most one
  bool operator==(const Document&) const = default;
};

inline constexpr std::string_view kDocumentSchema = "assay-document/1";
std::string_view parser_version() noexcept;

/// What a hostile cell could get wrong: indices out of range, a parent after its child, totals that
/// do not add up, impossible enum values. The parent calls it on everything that came from outside.
Result<void> validate(const Document& document);

/// Member names from the root down, joined with "/"; raw. "" for the root.
std::string member_path(const Document& document, std::uint32_t member);

}  // namespace assay::format
