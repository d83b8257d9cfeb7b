#include "tensors/legacy.h"

#include "bytes/reader.h"
#include "format/torch/storage.h"

namespace assay::tensors {
namespace {

using format::pickle::Tag;
using format::torch::StorageId;
using Value = Objects::Value;

constexpr auto kLoader = format::bits(format::Profile::cpython_c_file);
constexpr std::uint64_t kCount = 8;  ///< bytes of a storage's number of elements

/// The eight bytes at `at`.
std::optional<std::uint64_t> number_at(const bytes::Source& source, std::uint64_t at) {
  const auto raw = bytes::read_exactly(source, at, kCount);
  return raw ? std::optional{bytes::le_at<std::uint64_t>(*raw, 0)} : std::nullopt;
}

/// A number or a text: how tar checkpoints name things.
std::optional<std::string> word_of(const Objects& objects, const std::optional<Value>& v) {
  if (v && v->tag == Tag::integer) return std::to_string(static_cast<std::int64_t>(v->at));
  if (v && v->tag == Tag::text) return objects.text(*v);
  if (v && v->tag == Tag::big_integer) return "#" + std::to_string(v->at);
  return std::nullopt;
}

}  // namespace

LegacyFile::LegacyFile(const Stretch& stretch, bytes::Budget& budget) : stretch_{stretch} { read(budget); }

void LegacyFile::read(bytes::Budget& budget) {
  std::uint64_t at = 0;
  for (int i = 0; i < 3; ++i) {  // magic, protocol, system information
    const Objects plain{stretch_, at, kLoader, budget};
    if (plain.stopped()) {
      damage_ = "its first pickles break off: " + std::string{plain.stopped()->what};
      return;
    }
    at = plain.end();
  }
  object_ = std::make_unique<Objects>(stretch_, at, kLoader, budget);
  if (object_->stopped()) {
    damage_ = "its pickle breaks off: " + std::string{object_->stopped()->what};
    return;
  }
  const Objects keys{stretch_, object_->end(), kLoader, budget};
  if (keys.stopped()) damage_ = "the list of its storages breaks off: " + std::string{keys.stopped()->what};
  else read_storages(keys);
}

void LegacyFile::read_storages(const Objects& keys) {
  std::map<std::string, StorageId> named;
  for (const auto& value : object_->persistent_ids())
    if (auto id = format::torch::storage_id(object_->machine(), value)) named.try_emplace(id->key, std::move(*id));
  const auto size = stretch_.source->size();
  auto at = keys.end();
  for (const auto& value : keys.items(keys.root())) {
    const auto key = value.tag == Tag::text ? keys.text(value) : std::string{};
    const auto id = named.find(key);
    const auto elements = number_at(*stretch_.source, at);
    if (id == named.end() || !elements || *elements != id->second.elements || id->second.bytes > size - at - kCount) {
      damage_ = "the storage " + key + " is missing or cut short";
      return;
    }
    at += kCount;
    storages_[key] = {stretch_.begin + at, stretch_.begin + at + id->second.bytes};
    at += id->second.bytes;
  }
  end_ = at;
}

tl::expected<Piece, Found> LegacyFile::storage(const StorageId& id) const {
  const auto found = storages_.find(id.key);
  if (found == storages_.end()) return tl::unexpected{Found::broken("the storage " + id.key + " is missing")};
  return Piece{stretch_.where, found->second};
}

TarFile::TarFile(const Stretch& storages, const Stretch& tensors, bytes::Budget& budget) {
  (void)(read_storages(storages, budget) && read_tensors(tensors, budget));
}

bool TarFile::read_storages(const Stretch& stretch, bytes::Budget& budget) {
  const auto& source = *stretch.source;
  const Objects first{stretch, 0, kLoader, budget};
  const auto count = first.stopped() ? std::nullopt : format::torch::size_of(first.root());
  if (!count) return damaged("the list of its storages breaks off");
  auto at = first.end();
  for (std::uint64_t i = 0; i < *count; ++i) {
    const Objects head{stretch, at, kLoader, budget};  // (key, location, class)
    const auto key = head.stopped() ? std::nullopt : word_of(head, head.machine().item(head.root(), 0));
    const auto type = key ? head.machine().item(head.root(), 2) : std::nullopt;
    if (!type || type->tag != Tag::symbol) return damaged("a storage without key or class");
    const auto& class_name = head.machine().symbol(static_cast<std::uint32_t>(type->at)).name;
    const auto element_bytes = format::torch::storage_element_bytes(class_name);
    at = head.end();
    const auto elements = number_at(source, at);
    Storage s;
    if (!element_bytes || !elements || __builtin_mul_overflow(*elements, *element_bytes, &s.id.bytes) ||
        s.id.bytes > source.size() - at - kCount)
      return damaged("the storage " + *key + " is cut short, or of an unknown class");
    s.id.key = *key;
    s.id.dtype = format::torch::storage_dtype(class_name);
    s.id.elements = *elements;
    s.id.element_bytes = *element_bytes;
    at += kCount;
    s.piece = {stretch.where, {stretch.begin + at, stretch.begin + at + s.id.bytes}};
    at += s.id.bytes;
    storages_.insert_or_assign(*key, std::move(s));
  }
  const Objects views{stretch, at, kLoader, budget};
  return views.stopped() ? damaged("the list of its views breaks off") : read_views(views);
}

/// (key, key of the whole, offset, elements) of each stretch of a storage that is one by itself.
bool TarFile::read_views(const Objects& views) {
  const auto& m = views.machine();
  for (const auto& view : views.items(views.root())) {
    const auto key = word_of(views, m.item(view, 0)), whole = word_of(views, m.item(view, 1));
    const auto offset = format::torch::size_of(m.item(view, 2)), elements = format::torch::size_of(m.item(view, 3));
    const auto root = whole ? storages_.find(*whole) : storages_.end();
    if (!key || root == storages_.end() || !offset || !elements) return damaged("a view of a storage that is missing");
    auto part = root->second;
    if (part.id.view) return damaged("a view of a view of a storage");  // torch writes none
    part.id.view = StorageId::View{*key, *offset, *elements};
    storages_.insert_or_assign(*key, std::move(part));
  }
  return true;
}

bool TarFile::read_tensors(const Stretch& stretch, bytes::Budget& budget) {
  const auto& source = *stretch.source;
  const Objects first{stretch, 0, kLoader, budget};
  const auto count = first.stopped() ? std::nullopt : format::torch::size_of(first.root());
  if (!count) return damaged("the list of its tensors breaks off");
  auto at = first.end();
  for (std::uint64_t i = 0; i < *count; ++i) {
    const Objects head{stretch, at, kLoader, budget};  // (key, storage, class)
    const auto key = head.stopped() ? std::nullopt : word_of(head, head.machine().item(head.root(), 0));
    const auto of = key ? word_of(head, head.machine().item(head.root(), 1)) : std::nullopt;
    const auto storage = of ? storages_.find(*of) : storages_.end();
    at = head.end();
    const auto dimensions = bytes::read_exactly(source, at, 8);  // four bytes that count, four that nobody reads
    const std::uint64_t n = dimensions ? bytes::le_at<std::uint32_t>(*dimensions, 0) : kMostDimensions + 1;
    if (storage == storages_.end() || n > kMostDimensions) return damaged("a tensor without storage or shape");
    const auto numbers = bytes::read_exactly(source, at + 8, (2 * n + 1) * 8);
    if (!numbers) return damaged("a tensor is cut short");
    const auto number = [&](std::uint64_t k) { return bytes::le_at<std::uint64_t>(*numbers, 8 * k); };
    format::torch::Laid laid{storage->second.id, storage->second.id.dtype, {}};
    laid.layout.element_bytes = storage->second.id.element_bytes;
    for (std::uint64_t k = 0; k < n; ++k) laid.layout.shape.push_back(number(k));
    for (std::uint64_t k = 0; k < n; ++k) laid.layout.strides.push_back(number(n + k));
    laid.layout.offset = number(2 * n);
    at += 8 + (2 * n + 1) * 8;
    const auto piece = storage->second.piece;
    tensors_[*key] = tensor_over(laid, [&](const StorageId&) -> tl::expected<Piece, Found> { return piece; });
  }
  return true;
}

Found TarFile::find(const Objects& objects, const Value& id) const {
  const auto key = word_of(objects, id);
  const auto found = key ? tensors_.find(*key) : tensors_.end();
  return found == tensors_.end() ? Found{} : found->second;
}

}  // namespace assay::tensors
