#include "report/json_document.h"

#include <array>
#include <exception>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/text.h"
#include "format/describe.h"

namespace assay::report {
namespace {

using format::Call;
using format::describe;  // also for the types of bytes/
using format::Document;
using format::Expr;

template <class Codec>
void describe(Codec& c, Relation& v) {
  c("from", v.from);
  c("to", v.to);
}
template <class Codec>
void describe(Codec& c, Repository& v) {
  c("schema", v.schema);
  c("documents", v.documents);
  c("excluded", v.excluded);
  c("root", v.root);
  c("links", v.links);
}

template <class T>
concept Enum = std::is_enum_v<T>;
template <class T>
concept Number = std::is_unsigned_v<T> && !std::is_same_v<T, bool>;

// --- enums as words ---

constexpr std::array<std::string_view, format::kLastExprKind + 1> kExprWords = {
    "unknown", "none",  "boolean", "integer", "real", "text",     "bytes",      "symbol",
    "call",    "tuple", "list",    "dict",    "set",  "instance", "persistent", "extension"};

std::string_view word(Expr::Kind kind) { return kExprWords[static_cast<std::size_t>(kind)]; }
std::string_view word(Call::Kind kind) { return format::to_string(kind); }
std::string_view word(Errc code) { return assay::to_string(code); }

constexpr unsigned last_of(Expr::Kind) { return format::kLastExprKind; }
constexpr unsigned last_of(Call::Kind) { return format::kLastCallKind; }
constexpr unsigned last_of(Errc) { return static_cast<unsigned>(kLastErrc); }

// --- writing ---

using Written = nlohmann::ordered_json;

class Writer {
 public:
  template <class T>
  void operator()(std::string_view name, T& field) {
    object.emplace(std::string{name}, write(field));
  }
  Written object = Written::object();

 private:
  static Written write(bool v) { return v; }
  template <Number T>
  static Written write(T v) {
    return std::uint64_t{v};
  }
  template <Enum T>
  static Written write(T v) {
    ASSAY_ASSERT(static_cast<unsigned>(v) <= last_of(v));
    return word(v);
  }
  static Written write(std::string_view s) {
    if (is_utf8(s)) return s;
    return {{"hex", to_hex(s)}};
  }
  static Written write(std::string& s) { return write(std::string_view{s}); }
  static Written write(Kept& s) { return write(s.view()); }
  template <class T>
  static Written write(std::vector<T>& list) {
    auto out = Written::array();
    for (auto& item : list) out.push_back(write(item));
    return out;
  }
  template <class T>
  requires std::is_class_v<T>
  static Written write(T& value) {
    Writer inner;
    describe(inner, value);
    return std::move(inner.object);
  }
};

// --- reading ---

using Read = nlohmann::json;

std::optional<unsigned> nibble(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto high = nibble(digits[i]), low = nibble(digits[i + 1]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
  }
  return out;
}

/// Fills one object. The first thing that does not fit is kept in `problem`, shared by all objects of a document.
class Reader {
 public:
  Reader(const Read& object, std::string_view& problem) : object_{object}, problem_{problem} {
    if (!object.is_object()) give_up("not an object");
  }

  template <class T>
  void operator()(std::string_view name, T& field) {
    if (!problem_.empty()) return;
    const auto at = object_.find(std::string{name});
    if (at == object_.end()) return give_up("a key is missing");
    ++named_;
    read(*at, field);
  }

  void finish() {
    if (problem_.empty() && named_ != object_.size()) give_up("unknown key");
  }

 private:
  void give_up(std::string_view what) {
    if (problem_.empty()) problem_ = what;
  }

  void read(const Read& json, bool& v) {
    if (!json.is_boolean()) return give_up("not a truth value");
    v = json.get<bool>();
  }
  template <Number T>
  void read(const Read& json, T& v) {
    if (!json.is_number_unsigned()) return give_up("not a whole number");
    const auto n = json.get<std::uint64_t>();
    if (n > std::numeric_limits<T>::max()) return give_up("number too large");
    v = static_cast<T>(n);
  }
  template <Enum T>
  void read(const Read& json, T& v) {
    if (!json.is_string()) return give_up("not a word");
    const auto& text = json.get_ref<const std::string&>();
    for (unsigned i = 0; i <= last_of(T{}); ++i)
      if (word(static_cast<T>(i)) == text) return void(v = static_cast<T>(i));
    give_up("unknown word");
  }
  void read(const Read& json, std::string& v) {
    if (json.is_string()) return void(v = json.get_ref<const std::string&>());
    if (!json.is_object() || json.size() != 1 || !json.contains("hex") || !json["hex"].is_string())
      return give_up("not a text");
    auto raw = from_hex(json["hex"].get_ref<const std::string&>());
    // One value has one form: otherwise the same facts could have two digests.
    if (!raw || is_utf8(*raw)) return give_up("not the hex form of bytes that are no text");
    v = std::move(*raw);
  }
  void read(const Read& json, Kept& v) {
    std::string text;
    read(json, text);
    v = text;
  }
  template <class T>
  void read(const Read& json, std::vector<T>& list) {
    if (!json.is_array()) return give_up("not a list");
    list.reserve(json.size());
    for (const auto& item : json) {
      if (!problem_.empty()) return;
      read(item, list.emplace_back());
    }
  }
  template <class T>
  requires std::is_class_v<T>
  void read(const Read& json, T& value) {
    Reader inner{json, problem_};
    describe(inner, value);
    inner.finish();
  }

  const Read& object_;
  std::string_view& problem_;
  std::size_t named_ = 0;
};

/// Offset of the bracket that opens level kDeepestJson + 1, if one does. Looks at strings only to skip them.
std::optional<std::size_t> too_deep(std::string_view line) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepestJson) return i;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return std::nullopt;
}

/// Counts the keys of every open object while it is parsed, because the finished object keeps one of two
/// equal keys: a document must not say one thing to us and another to whoever keeps the other.
class KeyCount {
 public:
  bool operator()(Read::parse_event_t event, Read& parsed) {
    if (event == Read::parse_event_t::object_start) open_.push_back(0);
    if (event == Read::parse_event_t::key) ++open_.back();
    if (event == Read::parse_event_t::object_end) {
      repeated_ = repeated_ || parsed.size() != open_.back();
      open_.pop_back();
    }
    return true;
  }
  bool repeated() const { return repeated_; }

 private:
  std::vector<std::size_t> open_;
  bool repeated_ = false;
};

Result<Read> parse(std::string_view line) {
  KeyCount keys;
  auto json = Read::parse(line, [&](int, Read::parse_event_t event, Read& parsed) { return keys(event, parsed); });
  if (keys.repeated()) return fail(Errc::malformed, 0, "a key is there twice");
  return json;
}

template <class T>
Result<T> read(std::string_view line) {
  const auto json = TRY(parse(line));
  T out;
  std::string_view problem;
  Reader reader{json, problem};
  describe(reader, out);
  reader.finish();
  if (!problem.empty()) return fail(Errc::malformed, 0, problem);
  return out;
}

template <class T>
Result<T> read_hostile(std::string_view line) {
  if (line.size() > kMostDocumentBytes) return fail(Errc::limit_reached, kMostDocumentBytes, "line too long");
  if (const auto at = too_deep(line)) return fail(Errc::limit_reached, *at, "nested too deeply");
  try {
    return read<T>(line);
  } catch (const nlohmann::json::parse_error& e) {
    return fail(Errc::malformed, e.byte, "not JSON");
  } catch (const std::exception&) {  // a number beyond all types, or no memory
    return fail(Errc::malformed, 0, "a value out of range");
  }
}

template <class T>
std::string written(const T& value) {
  Writer writer;
  describe(writer, const_cast<T&>(value));  // one description serves both directions; writing changes nothing
  return writer.object.dump(-1, ' ', /*ensure_ascii=*/true);
}

}  // namespace

std::string to_json(const Document& document) { return written(document); }

Result<Document> document_from_json(std::string_view line) {
  auto out = TRY(read_hostile<Document>(line));
  TRY(format::validate(out));
  return out;
}

std::string to_json(const Repository& repository) { return written(repository); }

Result<Repository> repository_from_json(std::string_view line) {
  auto out = TRY(read_hostile<Repository>(line));
  if (out.schema != kRepositorySchema) return fail(Errc::malformed, 0, "another schema");
  for (auto& link : out.links) link.kind = "symlink";
  return out;
}

}  // namespace assay::report
