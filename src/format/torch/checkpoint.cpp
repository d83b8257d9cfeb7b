#include "format/torch/checkpoint.h"

#include "bytes/reader.h"
#include "format/torch/layout.h"
#include "format/torch/storage.h"

namespace assay::format::torch {
namespace {

using pickle::Machine;
using pickle::Op;
using pickle::Tag;
using pickle::Value;

constexpr std::string_view kMagic =
    "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";                  // LONG1 0x1950a86a20f9469cfc6c STOP
constexpr std::string_view kMagicLine = "L119547037146038801333356L\n.";  // the same by protocol 0
constexpr std::size_t kMostDimensions = 64;

}  // namespace

void TensorSink::on_import(Machine& m, std::uint32_t symbol, std::uint64_t offset, Op op) {
  FactSink::on_import(m, symbol, offset, op);
  weights_only_.on_import(m.symbol(symbol), offset);
}

void TensorSink::on_call(Machine& m, const pickle::CallSite& site) {
  FactSink::on_call(m, site);
  weights_only_.on_call(m, site);
  if (site.kind == Call::Kind::persistent) take_storage(m, site.args, site.offset);
  if (site.kind == Call::Kind::reduce) check_tensor(m, site);
}

void TensorSink::on_stop(Machine& m, Profiles profiles, const Error& error) {
  FactSink::on_stop(m, profiles, error);
  if ((profiles & bits(Profile::cpython_py)) != 0) weights_only_.on_stop(error);
}

void TensorSink::on_opcode(Machine& m, Op op, std::uint64_t offset) {
  weights_only_.on_opcode(op, offset);
  if (!on_tensor_) return;
  if (op == Op::setitems) name_tensors(m, m.above_mark());
  if (op == Op::setitem && m.stack().size() >= 2) name_tensors(m, m.stack().last(2));
}

void TensorSink::take_storage(Machine& m, const Value& id, std::uint64_t offset) {
  const auto word = m.item(id, 0);
  if (word && word->tag == Tag::text && m.text_of(*word, 16) == "module")
    return;  // a class with its source: judged as a call
  const auto of = storage_id(m, id);
  if (!of) {
    facts().quirk("pickle.persistent-id-odd", base() + offset);
    return;
  }
  Storage s{of->key, of->dtype, of->elements, of->bytes, offset};
  if (s.key.empty() || s.key.find_first_of("/\\") != s.key.npos || s.key.find('\0') != s.key.npos)
    facts().quirk("torch.storage-key-escapes", base() + offset, s.key);
  const auto [it, is_new] = storages_.try_emplace(s.key, s);
  if (!is_new) it->second.bytes = std::max(it->second.bytes, s.bytes);
}

void TensorSink::check_tensor(Machine& m, const pickle::CallSite& site) {
  const auto number = m.symbol_of(site.callee);
  if (site.callee.tag != Tag::symbol || !number || !lays_tensor(m.symbol(*number))) return;
  ++tensors_;
  const auto tensor = laid_tensor(m, m.symbol(*number), site.args);
  if (!tensor) {
    facts().quirk("torch.tensor-unclear", base() + site.offset);
    return;
  }
  const auto storage = storages_.find(tensor->storage.key);
  const auto reach = tensor->layout.reach();
  if (storage == storages_.end() || !reach || *reach > storage->second.bytes)
    facts().quirk("torch.tensor-outside-storage", base() + site.offset, tensor->storage.key);
}

void TensorSink::name_tensors(Machine& m, std::span<const Value> pairs) {
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    auto value = pairs[i + 1];
    auto number = m.symbol_of(value);
    if (number && m.symbol(*number).name.starts_with("_rebuild_parameter")) {  // a parameter wraps a tensor
      const auto args = m.node(value, 1);
      value = args ? m.item(*args, 0).value_or(Value{}) : Value{};
      number = m.symbol_of(value);
    }
    if (!number || value.tag != Tag::call || !lays_tensor(m.symbol(*number))) continue;
    const auto args = m.node(value, 1);
    const auto laid = args ? laid_tensor(m, m.symbol(*number), *args) : std::nullopt;
    if (!laid) continue;
    Tensor t{m.text_of(pairs[i]), laid->dtype, laid->layout.shape, laid->layout.element_bytes, laid->storage.key};
    for (const auto n : t.shape)
      if (__builtin_mul_overflow(t.bytes, n, &t.bytes)) t.bytes = 0;
    on_tensor_(t);
  }
}

Checkpoint summary(TensorSink& sink, std::uint32_t member, std::uint32_t pickle_member, std::string layout) {
  Checkpoint c;
  c.member = member;
  c.layout = std::move(layout);
  c.tensors = sink.tensors();
  for (const auto& [key, storage] : sink.storages())
    if (__builtin_add_overflow(c.tensor_bytes, storage.bytes, &c.tensor_bytes)) c.tensor_bytes = UINT64_MAX;
  c.weights_only = sink.weights_only().accepted();
  c.reason = sink.weights_only().reason();
  c.reason_place = {pickle_member, c.weights_only ? 0 : sink.weights_only().offset()};
  return c;
}

namespace {

/// Collects every text that is appended to a list: the storage keys of the legacy layout, in order.
class KeySink final : public TensorSink {
 public:
  using TensorSink::TensorSink;
  void on_opcode(Machine& m, Op op, std::uint64_t offset) override {
    TensorSink::on_opcode(m, op, offset);
    if (op == Op::append && !m.stack().empty()) take(m, m.stack().back());
    if (op != Op::appends) return;
    for (const auto& v : m.above_mark()) take(m, v);
  }
  std::vector<std::string> keys;

 private:
  void take(Machine& m, const Value& v) {
    if (v.tag == Tag::text) keys.push_back(m.text_of(v));
  }
};

}  // namespace

bool starts_legacy(bytes::View head) noexcept {
  auto s = bytes::text(head);
  if (s.size() > 2 && s[0] == '\x80') s.remove_prefix(2);
  return s.starts_with(kMagic) || s.starts_with(kMagicLine);
}

void read_legacy(const bytes::Source& source, MemberFacts& facts, const std::function<void(const Tensor&)>& on_tensor) {
  std::uint64_t at = 0;
  WeightsOnly all;  // the weights-only loader reads every one of the five
  const auto read = [&](TensorSink& sink) {
    const auto out = read_one(source, at, facts, sink, false);
    at = out.end;
    if (!sink.weights_only().accepted()) all.refuse(sink.weights_only().offset(), sink.weights_only().reason());
    return out.stopped;
  };
  for (int i = 0; i < 3; ++i) {  // magic, protocol, system information
    TensorSink plain{facts};
    if (!read(plain)) return;
  }
  TensorSink object{facts, on_tensor};
  if (!read(object)) return;
  KeySink keys{facts};
  const bool listed = read(keys);
  if (!all.accepted()) object.weights_only() = all;
  facts.add(summary(object, facts.member(), facts.member(), "legacy"));
  if (!listed) return;
  for (const auto& key : keys.keys) {
    const auto storage = object.storages().find(key);
    const auto count = bytes::read_exactly(source, at, 8);
    if (storage == object.storages().end() || !count ||
        bytes::le_at<std::uint64_t>(*count, 0) != storage->second.elements ||
        storage->second.bytes > source.size() - at - 8) {
      facts.quirk("torch.storage-too-short", at, key);
      return;
    }
    facts.coverage.claim(bytes::Cover::parsed, at, at + 8);
    facts.coverage.claim_tensor(at + 8, at + 8 + storage->second.bytes);
    at += 8 + storage->second.bytes;
  }
}

namespace {

/// A pickle that the tar layout wants a number or a tuple from. Moves `at` behind it.
template <class Take>
bool read_value(const bytes::Source& source, MemberFacts& facts, std::uint64_t& at, Take take) {
  pickle::FactSink sink{facts};
  Machine machine{source, facts.budget(), sink};
  const auto ends = machine.run(at);
  const auto& end = ends.front();
  if (!end.stopped) {
    if (!sink.ended().empty()) facts.stop("pickle", sink.ended().back().error, sink.ended().back().profiles);
    return false;
  }
  facts.coverage.claim(bytes::Cover::parsed, at, end.offset);
  facts.add(Pickle{facts.at(at), end.offset, end.profiles, end.protocol, true, false, end.opcodes});
  at = end.offset;
  return take(machine, end.result);
}

}  // namespace

std::uint64_t read_tar_storages(const bytes::Source& source, MemberFacts& facts) {
  std::uint64_t at = 0, count = 0, all = 0;
  if (!read_value(source, facts, at, [&](Machine&, const Value& v) {
        count = size_of(v).value_or(0);
        return v.tag == Tag::integer;
      }))
    return all;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::optional<std::uint64_t> size;
    const bool read = read_value(source, facts, at, [&](Machine& m, const Value& v) {
      const auto type = m.item(v, 2);
      if (type && type->tag == Tag::symbol)
        size = storage_element_bytes(m.symbol(static_cast<std::uint32_t>(type->at)).name);
      return size.has_value();
    });
    const auto elements = read ? bytes::read_exactly(source, at, 8) : fail(Errc::truncated, at, "");
    std::uint64_t bytes = 0;
    if (!elements || __builtin_mul_overflow(bytes::le_at<std::uint64_t>(*elements, 0), *size, &bytes) ||
        bytes > source.size() - at - 8) {
      facts.quirk("torch.storage-too-short", at);
      return all;
    }
    facts.coverage.claim(bytes::Cover::parsed, at, at + 8);
    facts.coverage.claim_tensor(at + 8, at + 8 + bytes);
    at += 8 + bytes;
    all += bytes;
  }
  read_value(source, facts, at, [](Machine&, const Value&) { return true; });  // the views
  return all;
}

std::uint64_t read_tar_tensors(const bytes::Source& source, MemberFacts& facts) {
  std::uint64_t at = 0, count = 0;
  if (!read_value(source, facts, at, [&](Machine&, const Value& v) {
        count = size_of(v).value_or(0);
        return v.tag == Tag::integer;
      }))
    return 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!read_value(source, facts, at, [](Machine&, const Value&) { return true; })) return i;
    const auto head = bytes::read_exactly(source, at, 8);  // i32 dimensions, 4 bytes that nobody reads
    const auto dimensions = head ? bytes::le_at<std::uint32_t>(*head, 0) : 0;
    const std::uint64_t length = 8 + std::uint64_t{dimensions} * 16 + 8;  // sizes, strides, offset
    if (!head || dimensions > kMostDimensions || length > source.size() - at) {
      facts.quirk("torch.tensor-unclear", at);
      return i;
    }
    facts.coverage.claim(bytes::Cover::parsed, at, at + length);
    at += length;
  }
  return count;
}

}  // namespace assay::format::torch
