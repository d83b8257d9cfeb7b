// Files with tensors for the tests: zips, checkpoints of all three layouts, arrays as picklers write them.
#pragma once
#include <cstdio>
#include <functional>
#include <memory>

#include "bytes/crc32.h"
#include "format/pickle/sample.h"
#include "tensors/tensors.h"

namespace assay::tensors::sample {

using namespace std::string_literals;
using namespace format::pickle::sample;
using Sizes = std::vector<std::uint64_t>;
using Lines = std::vector<std::string>;

// --- Pickles ----------------------------------------------------------------------------------------

/// A byte string.
inline std::string raw(const std::string& s) { return format::pickle::sample::bytes_of(s); }
inline std::string number(std::uint64_t n) { return n < 256 ? "K"s + static_cast<char>(n) : "\x8a\x08" + le(n); }
inline std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const auto& item : items) out += item;
  return out + "t";
}
inline std::string sizes(const Sizes& items) {
  std::vector<std::string> out;
  for (const auto n : items) out.push_back(number(n));
  return tuple(out);
}
inline std::string called(const std::string& module, const std::string& name, const std::vector<std::string>& args) {
  return global(module, name) + tuple(args) + "R";
}
inline const std::string kNone = "N", kTrue = "\x88", kFalse = "\x89";
inline const std::string kOrdered = global("collections", "OrderedDict") + ")R";

using Pairs = std::vector<std::pair<std::string, std::string>>;
/// Keys are texts.
inline std::string filled(std::string dict, const Pairs& pairs) {
  dict += "(";
  for (const auto& [key, value] : pairs) dict += text(key) + value;
  return dict + "u";
}
inline std::string dict(const Pairs& pairs) { return filled("}", pairs); }
inline std::string ordered(const Pairs& pairs) { return filled(kOrdered, pairs); }
/// An instance without arguments, and its state.
inline std::string object(const std::string& module, const std::string& name, const std::string& state) {
  return global(module, name) + ")\x81" + state + "b";
}
inline std::string module(const Pairs& parameters, const Pairs& buffers = {}, const Pairs& modules = {},
                          const Pairs& more = {}) {
  Pairs state{{"training", kTrue},
              {"_parameters", ordered(parameters)},
              {"_buffers", ordered(buffers)},
              {"_modules", ordered(modules)}};
  state.insert(state.end(), more.begin(), more.end());
  return object("acme", "Net", dict(state));
}
inline std::string whole_pickle(const std::string& object) { return proto(2) + object + "."; }

// --- torch ------------------------------------------------------------------------------------------

inline std::string storage(const std::string& key, std::uint64_t elements, const std::string& type = "FloatStorage",
                           const std::string& location = "cpu") {
  return tuple({text("storage"), global("torch", type), text(key), text(location), number(elements)}) + "Q";
}
inline std::string tensor(const std::string& storage, std::uint64_t offset, const Sizes& shape, const Sizes& strides,
                          const std::vector<std::string>& more = {kFalse, kOrdered}) {
  std::vector<std::string> args{storage, number(offset), sizes(shape), sizes(strides)};
  args.insert(args.end(), more.begin(), more.end());
  return called("torch._utils", "_rebuild_tensor_v2", args);
}
inline std::string tensor_v3(const std::string& storage, std::uint64_t offset, const Sizes& shape, const Sizes& strides,
                             const std::string& dtype, const std::string& of = "torch") {
  return called("torch._utils", "_rebuild_tensor_v3",
                {storage, number(offset), sizes(shape), sizes(strides), kFalse, kOrdered, global(of, dtype)});
}
/// Two floats in the storage "0".
inline std::string small_tensor() { return tensor(storage("0", 2), 0, {2}, {1}); }
inline std::string parameter(const std::string& tensor) {
  return called("torch._utils", "_rebuild_parameter", {tensor, kTrue, kOrdered});
}

// --- Zips -------------------------------------------------------------------------------------------

struct Member {
  std::string name, data;
  std::uint16_t method = 0;
  std::uint32_t unpacked = 0;               ///< bytes; of a stored member those of `data`
  std::optional<std::uint32_t> crc32 = {};  ///< of a stored member that of `data`
};
inline std::string zip(const std::vector<Member>& members) {
  std::string file, directory;
  for (const auto& m : members) {
    const auto packed = static_cast<std::uint32_t>(m.data.size());
    const auto sizes = le(m.crc32.value_or(bytes::crc32(bytes::view(m.data)))) + le(packed) +
                       le(m.method == 0 ? packed : m.unpacked) + le(static_cast<std::uint16_t>(m.name.size())) +
                       le(std::uint16_t{0});
    const auto shared = le(std::uint16_t{20}) + le(std::uint16_t{0}) + le(m.method) + le(std::uint32_t{0x210000});
    const auto at = static_cast<std::uint32_t>(file.size());
    file += "PK\3\4" + shared + sizes + m.name + m.data;
    directory += "PK\1\2" + le(std::uint16_t{20}) + shared + sizes + std::string(10, '\0') + le(at) + m.name;
  }
  const auto count = le(static_cast<std::uint16_t>(members.size()));
  return file + directory + "PK\5\6" + std::string(4, '\0') + count + count +
         le(static_cast<std::uint32_t>(directory.size())) + le(static_cast<std::uint32_t>(file.size())) +
         le(std::uint16_t{0});
}
/// Raw deflate, by one stored block.
inline Member deflated(const std::string& name, const std::string& data) {
  const auto n = static_cast<std::uint16_t>(data.size());
  return {name, "\1" + le(n) + le(static_cast<std::uint16_t>(~n)) + data, 8, n, bytes::crc32(bytes::view(data))};
}
/// A checkpoint of `object`, and its storages by their keys.
inline std::vector<Member> members_of(const std::string& object, const Pairs& storages = {{"0", "12345678"}}) {
  std::vector<Member> out{{"archive/data.pkl", whole_pickle(object)}};
  for (const auto& [key, data] : storages) out.push_back({"archive/data/" + key, data});
  return out;
}
inline std::string checkpoint(const std::string& object, const Pairs& storages = {{"0", "12345678"}}) {
  return zip(members_of(object, storages));
}

// --- The older layouts --------------------------------------------------------------------------------

inline std::string legacy(const std::string& object, const std::vector<std::string>& keys,
                          const std::string& storages) {
  std::string list = "](";
  for (const auto& key : keys) list += text(key);
  return proto(2) + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + whole_pickle("M\xe9\x03") +
         whole_pickle("}") + whole_pickle(object) + whole_pickle(list + "e") + storages;
}

inline std::string tar(const Pairs& members) {
  std::string out;
  for (const auto& [name, data] : members) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& word) { header.replace(at, word.size(), word); };
    std::array<char, 12> size;
    std::snprintf(size.data(), size.size(), "%011o", static_cast<unsigned>(data.size()));
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, size.data());
    put(136, "00000000000");
    put(148, "        0");
    put(257, "ustar\00000"s);
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    std::array<char, 8> digits;
    std::snprintf(digits.data(), digits.size(), "%06o", sum);
    put(148, std::string{digits.data(), 7} + " ");
    out += header + data + std::string((512 - data.size() % 512) % 512, '\0');
  }
  return out + std::string(1024, '\0');
}

// --- NumPy --------------------------------------------------------------------------------------------

inline std::string npy(const std::string& descr, const std::string& shape, const std::string& data,
                       bool fortran = false) {
  auto header =
      "{'descr': " + descr + ", 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }";
  header.resize(117, ' ');
  header += '\n';
  return "\x93NUMPY\1\0"s + le(static_cast<std::uint16_t>(header.size())) + header + data;
}
inline std::string dtype_state(const std::string& order) {
  const std::string minus = "J\xff\xff\xff\xff";
  return tuple({number(3), text(order), kNone, kNone, kNone, minus, minus, number(0)}) + "b";
}
inline std::string dtype(const std::string& word, const std::string& order = "<") {
  return called("numpy", "dtype", {text(word), kFalse, kTrue}) + dtype_state(order);
}
inline std::string array(const std::string& dtype, const Sizes& shape, const std::string& data, bool fortran = false) {
  return called("numpy.core.multiarray", "_reconstruct", {global("numpy", "ndarray"), sizes({0}), raw("b")}) +
         tuple({number(1), sizes(shape), dtype, fortran ? kTrue : kFalse, data}) + "b";
}
/// As joblib keeps it: the wrapper, then a byte that counts the padding, then the items.
inline std::string inline_array(const std::string& dtype, const Sizes& shape, const std::string& data,
                                const std::string& order = "C") {
  return object("joblib.numpy_pickle", "NumpyArrayWrapper",
                dict({{"subclass", global("numpy", "ndarray")},
                      {"shape", sizes(shape)},
                      {"order", text(order)},
                      {"dtype", dtype},
                      {"allow_mmap", kTrue},
                      {"numpy_array_alignment_bytes", number(16)}})) +
         "\2\xff\xff" + data;
}

// --- Reading ------------------------------------------------------------------------------------------

/// A file in memory, its spool, and what read() made of them.
struct Told {
  explicit Told(const std::string& file, std::optional<std::string> key = {}, bytes::Limits limits = {})
      : source{file}, spooled{std::tmpfile(), &std::fclose}, spool{::fileno(spooled.get())} {
    set = tensors::read(source, spool, {limits, std::move(key), {}});
  }
  std::uint64_t spool_size() const {
    std::fseek(spooled.get(), 0, SEEK_END);
    return static_cast<std::uint64_t>(std::ftell(spooled.get()));
  }
  /// What the first `n` bytes of a tensor's storage are, from its own begin on.
  std::string bytes_at(const Tensor& t, std::size_t n) const {
    std::string out(n, '\0');
    if (t.where == Where::file) {
      (void)source.read_at(t.begin, std::as_writable_bytes(std::span{out}));
      return out;
    }
    std::fseek(spooled.get(), static_cast<long>(t.begin), SEEK_SET);
    out.resize(std::fread(out.data(), 1, n, spooled.get()));
    return out;
  }
  std::string bytes_of_first() const {
    return set.tensors.empty() ? "" : bytes_at(set.tensors[0], tensors::bytes_of(set.tensors[0]));
  }
  Lines names() const {
    Lines out;
    for (const auto& t : set.tensors) out.push_back(t.name);
    return out;
  }
  /// "name: what: reason" of each.
  Lines left() const {
    Lines out;
    for (const auto& l : set.leftovers) out.push_back(l.name + ": " + l.what + ": " + l.reason);
    return out;
  }

  FarSource source;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> spooled;
  bytes::SpoolFile spool;
  Set set;
};

}  // namespace assay::tensors::sample
