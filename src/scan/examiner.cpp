#include "scan/examiner.h"

#include <cctype>

#include "container/member_name.h"
#include "container/sevenzip/sevenzip.h"
#include "container/tar/tar.h"
#include "container/zip/zip.h"
#include "format/json/json.h"
#include "format/numpy/npy.h"
#include "format/pickle/pickle.h"
#include "git/lfs.h"
#include "identify/identify.h"
#include "identify/magic.h"
#include "identify/programs.h"

namespace assay::scan {

using bytes::Cover;
using format::MemberFacts;

namespace {

constexpr std::size_t kHead = 4096;  ///< bytes looked at to recognise a format

}  // namespace

std::optional<format::Document> Examiner::run() {
  document_.schema = format::kDocumentSchema;
  document_.parser = format::parser_version();
  document_.size = root_.size();
  document_.members.push_back({0, "", "file", 0, root_.size(), {}, {}});
  examine(0, root_, 0, Certainty::member, {});
  if (needs_own_cell_) return std::nullopt;
  return std::move(document_);
}

std::uint32_t Examiner::add_member(std::uint32_t parent, std::string name, std::string role, std::uint64_t offset,
                                   std::uint64_t size) {
  document_.members.push_back({parent, std::move(name), std::move(role), offset, size, {}, {}});
  return static_cast<std::uint32_t>(document_.members.size() - 1);
}

bool Examiner::examine(std::uint32_t index, const Source& source, std::uint64_t depth, Certainty certainty,
                       const Wanted& wanted, bool own) {
  Reading r{index, source, depth, certainty, MemberFacts{document_, index, budget_, how_.care}};
  r.own = own;
  const bool readable = source.size() > 0 && may_go_on(r);
  if (readable) read(r, wanted);
  if (needs_own_cell_) return true;
  if (source.size() == 0) r.recognised("empty", false);
  if (r.formats.empty() && certainty == Certainty::guess) return false;
  if (readable && r.formats.empty()) r.facts.coverage.miss(0, source.size(), "not recognised as any format");
  if (readable) read_unowned(r);
  if (r.loadable > 1) r.facts.quirk("file.polyglot", 0, joined(r.formats));
  finish(r);
  if (how_.on_member) how_.on_member(index, source, document_);
  return true;
}

void Examiner::finish(Reading& r) {
  auto& member = document_.members[r.index];
  member.formats = std::move(r.formats);
  member.coverage = r.facts.coverage.finish(r.source.size());
  show_engines(r);
}

void Examiner::show_engines(Reading& r) {
  const auto all = r.source.size();
  for (const auto& t : r.facts.coverage.tensors(all)) r.tensors.push_back(t);
  const auto tensors = normalised(r.tensors, all);
  if (how_.on_member_bytes && all > 0) how_.on_member_bytes({r.index, r.source, tensors});
  if (!r.own) {
    window_elsewhere_ = std::move(r.elsewhere);
    window_tensors_ = std::move(r.tensors);
    return;
  }
  if (!how_.on_bytes || all == 0) return;
  auto taken = std::move(r.elsewhere);
  taken.insert(taken.end(), tensors.begin(), tensors.end());
  how_.on_bytes({r.index, r.source, remainder(all, std::move(taken)), tensors, document_, budget_});
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

bool Examiner::may_go_on(Reading& r) {
  auto go = budget_.check_time();
  if (go && r.depth > how_.limits.depth) go = fail(Errc::limit_reached, 0, "limit reached: depth");
  if (go) {
    auto head = bytes::read_up_to(r.source, 0, kHead);
    if (head) {
      r.head = std::move(*head);
      return true;
    }
    go = tl::unexpected<Error>{head.error()};
  }
  r.facts.stop("file", go.error());
  r.facts.coverage.miss(0, r.source.size(), go.error().what);
  r.recognised("unread", false);
  return false;
}

void Examiner::read(Reading& r, const Wanted& wanted) {
  read_by_magic(r, wanted);
  read_archives(r);
  read_compressed(r);
  read_safetensors(r);
  try_text_pickle(r);
  if (r.certainty == Certainty::member && r.formats.empty()) read_text(r);
  examine_nested(r);
}

void Examiner::read_by_magic(Reading& r, const Wanted& wanted) {
  using Part = Wanted::Part;
  if (wanted.part == Part::torch_object) return read_torch_object(r, wanted);
  if (wanted.part == Part::tar_storages || wanted.part == Part::tar_tensors) {
    r.recognised("torch-tar", true);
    auto& checkpoint = *wanted.checkpoint;
    if (wanted.part == Part::tar_storages)
      checkpoint.tensor_bytes = format::torch::read_tar_storages(r.source, r.facts);
    else checkpoint.tensors = format::torch::read_tar_tensors(r.source, r.facts);
    return;
  }
  if (format::torch::starts_legacy(r.head)) return read_pickle(r);
  for (const auto& claim : identify::identify(r.source)) {
    switch (claim.use) {
      case identify::Use::readable:
        if (claim.format == "pickle") read_pickle(r);
        if (claim.format == "npy") read_npy(r);
        break;
      case identify::Use::plain:
        r.recognised(claim.format, true);  // a picture is no danger, a picture that is an archive as well is a trick
        r.facts.coverage.claim(Cover::inert, 0, claim.end);
        break;
      case identify::Use::code:
        if (claim.format == "ole" && identify::has_macros(r.source)) note_macros(r, 0, "");
        [[fallthrough]];
      case identify::Use::executable:
      case identify::Use::model:
        r.recognised(claim.format, true);
        r.facts.coverage.miss(0, claim.end, claim.says);
        if (claim.format == "git-lfs-pointer") note_pointer(r);
        break;
    }
  }
}

/// How much is not here, and what it is called.
void Examiner::note_pointer(Reading& r) {
  const auto pointer = git::parse_lfs_pointer(bytes::text(r.head));
  if (pointer) r.facts.quirk("repo.lfs-pointer", 0, std::to_string(pointer->size) + " bytes in LFS, " + pointer->oid);
}

/// `project`: the member that holds them, in a document that is a zip.
void Examiner::note_macros(Reading& r, std::uint64_t at, std::string_view project) {
  r.recognised("office-macros", false);
  r.facts.quirk("file.office-macros", at, std::string{project});
}

void Examiner::read_pickle(Reading& r) {
  if (format::torch::starts_legacy(r.head)) {
    r.recognised("torch-legacy", true);
    format::torch::read_legacy(r.source, r.facts, how_.on_tensor);
    return;
  }
  // Arrays may begin with the two bytes of a pickle, and so does every 32nd safetensors file: its length is 640, or
  // 896.
  if (r.certainty == Certainty::guess || identify::is_safetensors(r.head, r.source.size())) {
    if (format::pickle::read_all(r.source, 0, r.facts, format::pickle::Trust::none)) r.recognised("pickle", true);
    return;
  }
  r.recognised("pickle", true);
  format::pickle::read_all(r.source, 0, r.facts, format::pickle::Trust::sure);
}

void Examiner::read_torch_object(Reading& r, const Wanted& wanted) {
  r.recognised("pickle", true);
  format::torch::TensorSink sink{r.facts, how_.on_tensor};
  if (!wanted.refusal.empty()) sink.weights_only().refuse(0, wanted.refusal);
  const auto read = read_one(r.source, 0, r.facts, sink, false);
  r.facts.add(format::torch::summary(sink, document_.members[r.index].parent, r.index, wanted.layout));
  if (wanted.storages != nullptr) *wanted.storages = sink.storages();
  if (read.stopped) format::pickle::read_all(r.source, read.end, r.facts, format::pickle::Trust::magic);
}

void Examiner::read_npy(Reading& r) {
  r.recognised("npy", true);
  std::uint64_t at = 0;
  while (const auto next = read_array(r, at)) {  // numpy.save writes several to one handle
    at = *next;
    const auto head = bytes::read_up_to(r.source, at, 6);
    if (!head || bytes::text(*head) != "\x93NUMPY") break;
  }
}

/// The array at `at`; where it ends, if something may follow it.
std::optional<std::uint64_t> Examiner::read_array(Reading& r, std::uint64_t at) {
  const bytes::WindowSource rest{r.source, at, r.source.size() - at};
  const auto array = format::numpy::parse(rest);
  if (!array) {
    // What an evaluating reader would run: a call where a literal belongs.
    const auto text = bytes::text(bytes::View{r.head}.first(std::min<std::size_t>(r.head.size(), 1024)));
    for (auto open = text.find('('); open != text.npos; open = text.find('(', open + 1))
      if (open > 0 && std::isalnum(static_cast<unsigned char>(text[open - 1])) != 0) {
        r.facts.quirk("npy.header-odd", at + open);
        break;
      }
    r.facts.stop("npy", {array.error().code, at + array.error().offset, array.error().what});
    return std::nullopt;
  }
  const auto data = at + array->data_offset;
  r.facts.coverage.claim(Cover::parsed, at, data);
  if (array->odd_header) r.facts.quirk("npy.header-odd", at);
  const auto there = r.source.size() - data;
  if (array->dtype.has_object) {
    r.facts.quirk("npy.object-array", data);
    return there > 0 ? format::pickle::read_all(r.source, data, r.facts, format::pickle::Trust::sure) : std::nullopt;
  }
  r.facts.coverage.claim_tensor(data, data + std::min(there, array->data_bytes));
  if (array->data_bytes <= there) return data + array->data_bytes;
  r.facts.stop("npy", {Errc::truncated, r.source.size(), "the array's data ends early"});
  return std::nullopt;
}

void Examiner::read_archives(Reading& r) {
  if (container::tar::looks_like(r.head)) read_tar(r);
  if (container::sevenzip::looks_like(r.head)) read_sevenzip(r);
  if (container::zip::looks_like(r.source)) read_zip(r);
}

void Examiner::try_text_pickle(Reading& r) {
  if (format::pickle::starts_binary(r.head) || format::torch::starts_legacy(r.head) || needs_own_cell_) return;
  // Only a reading that gets somewhere counts; prose, GIF and zip can all begin like a pickle.
  if (format::pickle::read_all(r.source, 0, r.facts, format::pickle::Trust::magic)) r.recognised("pickle", true);
}

void Examiner::read_text(Reading& r) {
  const auto text = identify::classify_text(r.source);
  if (!text || !text->is_text) return;
  const auto first = static_cast<char>(r.head[0]);
  // A byte order mark before the brace does not stop json.load of a binary file.
  if (first == '{' || first == '[' || first == '\xef' || std::isspace(static_cast<unsigned char>(first)) != 0) {
    if (read_json(r)) return;
  }
  r.recognised(text->format, text->use != identify::Use::plain);
  if (text->use == identify::Use::plain) r.facts.coverage.claim(Cover::inert, 0, r.source.size());
  else r.facts.coverage.miss(0, r.source.size(), text->says);
}

bool Examiner::read_json(Reading& r) {
  const auto json = format::json::read(r.source, budget_);
  if (!json.valid && json.stopped && (json.stopped->code == Errc::limit_reached || json.stopped->code == Errc::io)) {
    r.recognised("json", false);
    r.facts.stop("json", *json.stopped);
    r.facts.coverage.miss(0, r.source.size(), json.stopped->what);
    return true;
  }
  if (!json.valid) return false;
  if (json.cut) r.facts.stop("json", {Errc::limit_reached, 0, "more keys that name code than are kept"});
  r.recognised(json.notebook ? "notebook" : json.lines ? "json-lines" : "json", false);
  if (json.notebook) {
    r.facts.coverage.miss(0, r.source.size(), "a notebook: its cells are code");
    return true;
  }
  r.facts.coverage.claim(Cover::parsed, 0, r.source.size());
  for (const auto& key : json.code_keys)
    r.facts.quirk("json.names-code", key.offset, key.value.empty() ? key.path : key.path + " = " + key.value);
  if (json.chat_template) r.facts.quirk("json.chat-template", 0);
  for (const auto& file : json.weight_map_files) {
    document_.references.push_back({"shard", file});
    if (container::name_escapes(file)) r.facts.quirk("repo.reference-escapes", 0, file);
  }
  return true;
}

std::optional<format::Document> examine(const bytes::Source& source, bytes::SpoolFile& spool, const Examination& how) {
  return Examiner{source, spool, how}.run();
}

}  // namespace assay::scan
