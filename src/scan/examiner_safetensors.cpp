#include "base/text.h"
#include "format/pickle/base64.h"
#include "format/pickle/literal.h"
#include "format/pickle/machine.h"
#include "format/pickle/pickle.h"
#include "identify/identify.h"
#include "identify/magic.h"
#include "scan/examiner.h"

namespace assay::scan {

using bytes::Cover;
using format::safetensors::File;

namespace {

constexpr std::uint64_t kJson = 8;       ///< where the header's JSON begins, in bytes
constexpr std::size_t kMostLabel = 100;  ///< bytes of a key

/// Binary is put into JSON as Latin-1: each byte is a character. What does not come back that way stays UTF-8.
std::string in_eight_bits(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) out += text[i];
    else if ((c == 0xc2 || c == 0xc3) && i + 1 < text.size())
      out += static_cast<char>((c & 3) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    else return std::string{text};
  }
  return out;
}

std::shared_ptr<bytes::Source> owned(bytes::View all) {
  return std::make_shared<bytes::MemorySource>(std::vector<std::byte>{all.begin(), all.end()});
}

/// What is left of "data:application/octet-stream;base64,gASV...".
std::string_view without_data_scheme(std::string_view text) {
  constexpr std::string_view kMark = ";base64,";
  const auto mark = text.starts_with("data:") ? text.find(kMark) : text.npos;
  return mark == text.npos ? text : text.substr(mark + kMark.size());
}

/// A program; markup and templates are what people write in a description.
bool is_program(const identify::Text& text) {
  if (!text.is_text || text.use != identify::Use::code) return false;
  for (const std::string_view prose : {"html", "svg", "xml", "xslt", "jinja-template"})
    if (text.format == prose) return false;
  return true;
}

bool lies_inside(const format::safetensors::Tensor& tensor, std::uint64_t data) {
  return tensor.begin <= tensor.end && tensor.end <= data &&
         bytes_of(tensor.dtype, tensor.shape) == tensor.end - tensor.begin;
}

}  // namespace

/// After the archives: a zip at the end of a tensor is found while those bytes are still nobody's.
void Examiner::read_safetensors(Reading& r) {
  if (!identify::is_safetensors(r.head, r.source.size())) return;
  const auto read = format::safetensors::parse(r.source, budget_);
  const auto& file = read.facts;
  if (r.certainty == Certainty::guess && file.refused) return;
  r.recognised("safetensors", true);
  for (const auto& o : file.oddities) r.facts.quirk(o.id, o.offset, o.detail);
  if (file.refused) r.facts.stop("safetensors", *file.refused);
  else if (read.stopped) r.facts.stop("safetensors", *read.stopped);
  if (read.stopped) r.facts.coverage.miss(0, r.source.size(), read.stopped->what);
  else own_tensors(r, file);
  search_texts(r, file);
}

void Examiner::own_tensors(Reading& r, const File& file) {
  r.facts.coverage.claim(Cover::parsed, 0, file.data_begin);
  const auto data = r.source.size() - file.data_begin;
  for (const auto& t : file.tensors) {
    if (needs_own_cell_ || !budget_.check_time()) return;
    if (t.begin == t.end || !lies_inside(t, data)) continue;
    const auto begin = file.data_begin + t.begin;
    r.facts.coverage.claim_tensor(begin, file.data_begin + t.end);
    examine_tensor(r, bytes::WindowSource{r.source, begin, t.end - t.begin}, begin);
  }
}

void Examiner::search_texts(Reading& r, const File& file) {
  for (const auto& t : file.tensors) search_text(r, t.name, "name");
  for (const auto& [key, value] : file.metadata) {
    search_text(r, key, "key");
    search_text(r, value, "metadata " + key.substr(0, kMostLabel));
  }
  for (const auto& text : file.ignored) search_text(r, text, "ignored text");
}

/// No loader starts at a text of the header. Somebody who means to takes it out, decodes it perhaps, and loads that.
void Examiner::search_text(Reading& r, std::string_view text, std::string_view where) {
  if (text.size() < format::pickle::kLiteralText) return;
  const auto keep = [&](std::string_view role, bytes::View all) {
    r.facts.nested.push_back({std::string{where}, std::string{role}, kJson, all.size(), owned(all)});
  };
  const auto encoded = without_data_scheme(text);
  if (format::pickle::could_load_decoded(encoded.substr(0, format::pickle::kLiteralHead))) {
    if (const auto decoded = format::pickle::from_base64(encoded)) return keep("base64 text", *decoded);
  }
  const auto plain = in_eight_bits(text);
  const auto all = bytes::view(plain);
  if (format::pickle::could_load(all)) return keep("byte string", all);
  const bytes::MemorySource source{all};
  const auto start = format::pickle::find_start(source, 0, all.size(), r.facts);
  if (!start) return r.facts.stop("safetensors", {start.error().code, kJson, start.error().what});
  if (*start) return keep("byte string", all.subspan(static_cast<std::size_t>(**start)));
  const auto kind = identify::classify_text(source);
  if (kind && is_program(*kind))
    r.facts.quirk("safetensors.text-program", kJson, std::string{where} + ": " + std::string{kind->says});
}

}  // namespace assay::scan
