#include <algorithm>

#include "base/text.h"
#include "format/safetensors/safetensors.h"

namespace assay::format::safetensors {
namespace {

constexpr std::size_t kLength = sizeof(std::uint64_t);  ///< bytes before the JSON
constexpr std::size_t kAlignment = 8;

/// As serde_json writes it: the short escapes where there are any, lower-case digits, everything else as it is.
void write_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef", kValues = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const auto known = kValues.find(c);
    if (known != kValues.npos) (out += '\\') += kNames[known];
    else if (byte >= 0x20) out += c;
    else ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
  }
  out += '"';
}

void write_tensor(std::string& out, const Tensor& tensor) {
  write_text(out, tensor.name);
  ((out += ":{\"dtype\":\"") += to_string(tensor.dtype)) += "\",\"shape\":[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) (out += i > 0 ? "," : "") += std::to_string(tensor.shape[i]);
  out += "],\"data_offsets\":[" + std::to_string(tensor.begin) + "," + std::to_string(tensor.end) + "]}";
}

Result<void> write_metadata(std::string& out, Metadata metadata) {
  std::sort(metadata.begin(), metadata.end());
  out += "\"__metadata__\":{";
  for (std::size_t i = 0; i < metadata.size(); ++i) {
    const auto& [key, value] = metadata[i];
    if (!is_utf8(key) || !is_utf8(value)) return fail(Errc::malformed, 0, "metadata that is not UTF-8");
    if (i > 0 && metadata[i - 1].first == key) return fail(Errc::malformed, 0, "a key of the metadata stands twice");
    if (i > 0) out += ',';
    write_text(out, key);
    out += ':';
    write_text(out, value);
  }
  out += '}';
  return {};
}

Result<void> check_names(const std::vector<Tensor>& tensors) {
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (const auto& t : tensors) names.push_back(t.name);
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end())
    return fail(Errc::malformed, 0, "two tensors of one name");
  for (const auto name : names)
    if (name == "__metadata__" || !is_utf8(name)) return fail(Errc::malformed, 0, "a name that the format cannot hold");
  return {};
}

Result<void> lay_out(std::vector<Tensor>& tensors) {
  std::uint64_t at = 0;
  for (auto& t : tensors) {
    const auto bytes = bytes_of(t.dtype, t.shape);
    if (!bytes) return fail(Errc::malformed, 0, "a shape that has no number of bytes");
    t.begin = at;
    if (__builtin_add_overflow(at, *bytes, &at)) return fail(Errc::malformed, 0, "more bytes than a file can have");
    t.end = at;
  }
  return {};
}

Result<void> check_length(const std::string& out) {
  if (out.size() - kLength > kMostHeader) return fail(Errc::limit_reached, 0, "a header of more than 100 MB");
  return {};
}

}  // namespace

Result<std::string> header(std::vector<Tensor>& tensors, const Metadata& metadata) {
  TRY(check_names(tensors));
  TRY(lay_out(tensors));
  std::string out(kLength, '\0');
  out += '{';
  if (!metadata.empty()) TRY(write_metadata(out, metadata));
  for (const auto& t : tensors) {
    if (out.back() != '{') out += ',';
    write_tensor(out, t);
    TRY(check_length(out));  // here as well, so that nobody builds one of gigabytes
  }
  out += '}';
  out.resize((out.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  TRY(check_length(out));
  const std::uint64_t length = out.size() - kLength;
  for (std::size_t i = 0; i < kLength; ++i) out[i] = static_cast<char>(length >> (8 * i) & 0xff);
  return out;
}

void sort_for_writing(std::vector<Tensor>& tensors) {
  std::sort(tensors.begin(), tensors.end(),
            [](const Tensor& a, const Tensor& b) { return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name; });
}

}  // namespace assay::format::safetensors
