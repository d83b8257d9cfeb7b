#include "format/json/json.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "format/json/reader.h"

namespace assay::format::json {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kBlock = 64 << 10;        // bytes
constexpr std::size_t kMostComponents = 1'000;  // of a pipeline index
constexpr std::size_t kMostPath = 1024;         // bytes of a dotted path, then "..."

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& words, std::string_view word) noexcept {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Sources: transformers (auto_map, custom_pipelines, custom_generate), diffusers (custom_pipeline), Hydra
// (_target_), jsonargparse (class_path), jsonpickle (py/...), MLflow (loader_module), skops (__loader__).
constexpr std::array kCodeKeys{"auto_map"sv,     "custom_pipelines"sv, "custom_pipeline"sv, "_target_"sv,
                               "class_path"sv,   "py/object"sv,        "py/reduce"sv,       "py/function"sv,
                               "py/type"sv,      "py/repr"sv,          "py/newobj"sv,       "py/newargs"sv,
                               "py/newargsex"sv, "py/module"sv,        "loader_module"sv,   "__reduce__"sv,
                               "__loader__"sv,   "expr_str"sv};  // torch.export hands it to sympy, which evaluates

/// Keys that other configurations use for harmless things: they count where the value is a Python name.
constexpr std::array kCodeKeysOfNames{"target"sv, "cls"sv};

/// What diffusers imports components from, without code of the repository.
constexpr std::array kDiffusersLibraries{
    "diffusers"sv, "transformers"sv, "onnxruntime.training"sv, "optimum"sv, "peft"sv, "flax"sv, "k_diffusion"sv,
    // modules of diffusers.pipelines
    "allegro"sv, "amused"sv, "animatediff"sv, "audioldm"sv, "audioldm2"sv, "aura_flow"sv, "blip_diffusion"sv,
    "chroma"sv, "cogvideo"sv, "cogview3"sv, "cogview4"sv, "consisid"sv, "consistency_models"sv, "controlnet"sv,
    "controlnet_hunyuandit"sv, "controlnet_sd3"sv, "controlnet_xs"sv, "cosmos"sv, "dance_diffusion"sv, "ddim"sv,
    "ddpm"sv, "deepfloyd_if"sv, "deprecated"sv, "dit"sv, "easyanimate"sv, "flux"sv, "hidream_image"sv,
    "hunyuan_video"sv, "hunyuandit"sv, "i2vgen_xl"sv, "kandinsky"sv, "kandinsky2_2"sv, "kandinsky3"sv, "kolors"sv,
    "latent_consistency_models"sv, "latent_diffusion"sv, "latte"sv, "ledits_pp"sv, "ltx"sv, "lumina"sv, "lumina2"sv,
    "marigold"sv, "mochi"sv, "musicldm"sv, "omnigen"sv, "pag"sv, "paint_by_example"sv, "pia"sv, "pixart_alpha"sv,
    "qwenimage"sv, "sana"sv, "semantic_stable_diffusion"sv, "shap_e"sv, "skyreels_v2"sv, "spectrogram_diffusion"sv,
    "stable_audio"sv, "stable_cascade"sv, "stable_diffusion"sv, "stable_diffusion_3"sv,
    "stable_diffusion_attend_and_excite"sv, "stable_diffusion_diffedit"sv, "stable_diffusion_gligen"sv,
    "stable_diffusion_k_diffusion"sv, "stable_diffusion_ldm3d"sv, "stable_diffusion_panorama"sv,
    "stable_diffusion_safe"sv, "stable_diffusion_sag"sv, "stable_diffusion_xl"sv, "stable_unclip"sv,
    "stable_video_diffusion"sv, "t2i_adapter"sv, "text_to_video_synthesis"sv, "unclip"sv, "unidiffuser"sv,
    "versatile_diffusion"sv, "visualcloze"sv, "vq_diffusion"sv, "wan"sv, "wuerstchen"sv};

bool is_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// "a.b.C" or "a.b.c.d", but no "model.pt" and no "1.5".
bool is_dotted_path(std::string_view v) noexcept {
  const auto dots = std::count(v.begin(), v.end(), '.');
  const auto last = v.rfind('.') + 1;
  if (dots == 0 || last == v.size() || v[0] == '.' || (v[0] >= '0' && v[0] <= '9')) return false;
  if (v.find("..") != v.npos || !std::all_of(v.begin(), v.end(), [](char c) { return is_name(c) || c == '.'; }))
    return false;
  const auto module = v.substr(0, v.find('.'));
  return dots > 1 || (v[last] >= 'A' && v[last] <= 'Z') || module == "os" || module == "builtins" ||
         module == "subprocess";
}

/// What keys and values mean.
class Meaning final : public Listener {
 public:
  explicit Meaning(Json& out) : out_{out} {}
  void follow(const Reader& reader) { reader_ = &reader; }

  void key(std::string_view name, bool whole, std::uint64_t offset) override {
    commit_container();
    key_offset_ = offset;
    pending_ = Pending::none;
    if (reader_->depth() == 1) top_key(name, whole);
    if (!whole) return;
    if (is_one_of(kCodeKeys, name)) pending_ = Pending::any;
    else if (is_one_of(kCodeKeysOfNames, name)) pending_ = Pending::dotted;
    else if (name == "trust_remote_code") pending_ = Pending::yes;
    else if (name == "chat_template") pending_ = Pending::chat;
    else if (name == "class_name") pending_ = Pending::lambda;
    else if (name == "type" && reader_->depth() == 2 && !reader_->level(0).object) pending_ = Pending::module_type;
  }

  void value(Kind kind, std::string_view text, bool whole) override {
    commit_container();
    if (in_weight_map_ && kind == Kind::text && whole && reader_->depth() == 2) keep_file(text);
    if (kind == Kind::text && reader_->depth() == 2 && !reader_->level(1).object) component(text, whole);
    if (kind == Kind::object && reader_->depth() == 1 && weight_map_is_next_) in_weight_map_ = true;
    if (reader_->depth() == 1) weight_map_is_next_ = false;
    judge(std::exchange(pending_, Pending::none), kind, text, whole);
  }

  void closed(bool was_empty) override {
    if (was_empty) container_ = false;
    commit_container();
    pending_ = Pending::none;
    if (reader_->depth() == 2) in_weight_map_ = false;
  }

  void finish() {
    out_.notebook = has_cells_ && has_nbformat_;
    if (!pipeline_) return;
    for (auto& c : components_) add(std::move(c));
  }

 private:
  enum class Pending : std::uint8_t { none, any, dotted, yes, chat, lambda, module_type };

  void judge(Pending what, Kind kind, std::string_view text, bool whole) {
    const bool container = kind == Kind::object || kind == Kind::array;
    const bool filled = kind == Kind::text && !(whole && text.empty());
    switch (what) {
      case Pending::none: return;
      case Pending::yes: return kind == Kind::yes ? add(here()) : void();
      case Pending::chat: out_.chat_template = out_.chat_template || kind == Kind::text || kind == Kind::array; return;
      case Pending::dotted: return filled && (!whole || is_dotted_path(text)) ? add(here(), text) : void();
      case Pending::lambda: return text == "Lambda" || text == "__lambda__" ? add(here()) : void();  // Keras
      case Pending::module_type:  // sentence-transformers imports what modules.json names
        return filled && is_dotted_path(text) && !text.starts_with("sentence_transformers.") ? add(here()) : void();
      case Pending::any:
        if (filled) return add(here(), text);
        container_ = container;  // until it proves to be empty
        if (container) container_key_ = here();
        return;
    }
  }

  void commit_container() {
    if (std::exchange(container_, false)) add(std::move(container_key_));
  }

  void top_key(std::string_view name, bool whole) {
    // A fixed hash: whoever makes two keys collide gains a remark about duplicate keys.
    if (whole && top_keys_.size() < kMostTopKeys && reader_->values() == 0)
      out_.duplicate_keys_at_top |= !top_keys_.insert(std::hash<std::string_view>{}(name)).second;
    has_cells_ = has_cells_ || name == "cells";
    has_nbformat_ = has_nbformat_ || name == "nbformat";
    pipeline_ = pipeline_ || name == "_diffusers_version" || name == "_class_name";
    weight_map_is_next_ = name == "weight_map";
    in_weight_map_ = false;
  }

  /// model_index.json of diffusers: "unet": ["library", "Class"]. What is no library is a file of the repository.
  void component(std::string_view library, bool whole) {
    const auto& list = reader_->level(1);
    if (!reader_->level(0).object || list.index != 0 || components_.size() == kMostComponents) return;
    if (whole && (library.empty() || is_one_of(kDiffusersLibraries, library))) return;
    components_.push_back({std::string{reader_->key_of(reader_->level(0))}, key_offset_});
  }

  /// A path is cut, because a hundred thousand levels may lead to each of a million keys.
  CodeKey here() const {
    CodeKey out{{}, key_offset_};
    for (std::size_t d = 0; d < reader_->depth(); ++d) {
      if (out.path.size() >= kMostPath) return out.path += "...", out;
      const auto& level = reader_->level(d);
      if (!level.object) out.path += '[' + std::to_string(level.index) + ']';
      else (out.path += out.path.empty() ? "" : ".") += reader_->key_of(level);
    }
    return out;
  }

  /// A list of a thousand alike is one thing to say, so paths are compared without their indices.
  void add(CodeKey key, std::string_view value = {}) {
    key.value = value.substr(0, kMostKeyBytes);
    std::string pattern;
    bool inside = false;
    for (const char c : key.path) {
      inside = c == '[' || (inside && c >= '0' && c <= '9');
      if (!inside) pattern += c;
    }
    pattern += '\n';
    pattern += key.value;
    if (seen_.contains(pattern)) return;
    if (out_.code_keys.size() == kMostCodeKeys) {
      out_.cut = true;
      return;
    }
    seen_.insert(std::move(pattern));
    out_.code_keys.push_back(std::move(key));
  }

  void keep_file(std::string_view name) {
    if (files_.size() == kMostFiles) {
      out_.cut = out_.cut || !files_.contains(std::string{name});
      return;
    }
    if (files_.insert(std::string{name}).second) out_.weight_map_files.emplace_back(name);
  }

  Json& out_;
  const Reader* reader_ = nullptr;
  Pending pending_ = Pending::none;
  std::uint64_t key_offset_ = 0;
  bool container_ = false;  // a code key's value is an object or array that has nothing in it yet
  CodeKey container_key_;
  bool weight_map_is_next_ = false, in_weight_map_ = false;
  bool has_cells_ = false, has_nbformat_ = false, pipeline_ = false;
  std::vector<CodeKey> components_;
  std::unordered_set<std::size_t> top_keys_;
  std::unordered_set<std::string> seen_, files_;
};

std::optional<Error> read_blocks(const bytes::Source& source, bytes::Budget& budget, Reader& reader, Json& out) {
  std::vector<std::byte> block(static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, source.size())));
  for (std::uint64_t at = 0; at < source.size();) {
    if (const auto go = budget.check_time(at); !go) return go.error();
    const auto n = source.read_at(at, block);
    if (!n) return n.error();
    if (*n == 0) return Error{Errc::changed, at, "the source ended early"};
    auto text = bytes::text(bytes::View{block}.first(*n));
    if (at == 0 && text.starts_with("\xef\xbb\xbf")) {
      out.byte_order_mark = true;
      text.remove_prefix(3);
    }
    if (!reader.feed(text)) return reader.error();
    at += *n;
  }
  return reader.finish() ? std::nullopt : reader.error();
}

}  // namespace

Json read(const bytes::Source& source, bytes::Budget& budget) {
  Json out;
  Meaning meaning{out};
  Reader reader{meaning};
  meaning.follow(reader);
  out.stopped = read_blocks(source, budget, reader, out);
  meaning.finish();
  const std::uint64_t mark = out.byte_order_mark ? 3 : 0;
  if (out.stopped && (out.stopped->code == Errc::malformed || out.stopped->code == Errc::truncated))
    out.stopped->offset += mark;
  for (auto& key : out.code_keys) key.offset += mark;
  out.valid = !out.stopped;
  out.lines = out.valid && reader.values() > 1;
  out.non_finite = reader.non_finite();
  return out;
}

}  // namespace assay::format::json
