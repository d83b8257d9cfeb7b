#include "format/safetensors/safetensors.h"

#include <algorithm>

#include "base/text.h"
#include "bytes/reader.h"
#include "format/safetensors/entry.h"

namespace assay::format::safetensors {
namespace {

constexpr std::uint64_t kLength = sizeof(std::uint64_t);  ///< bytes before the JSON
constexpr std::uint64_t kAlignment = 8;                   ///< of the data's beginning, says the README
constexpr std::uint64_t kDimensionsPerFact = 16;          ///< so that a shape of a hundred megabytes is not kept
constexpr std::size_t kMostOddities = 100;                ///< of a kind
constexpr std::size_t kMostDetail = 256;                  ///< bytes of a name

/// A tensor and where its name stands.
struct Named {
  Tensor tensor;
  std::uint64_t at = 0;
};

/// The first bytes of the file, in memory.
struct Header {
  std::string_view json;
  std::vector<std::byte> owned;
};

class FileReader {
 public:
  FileReader(const bytes::Source& source, bytes::Budget& budget) : source_{source}, budget_{budget} {}

  Parsed<File> read() {
    const auto read = read_header();
    if (!read) stop(read.error());
    drop_double_keys();
    drop_double_names();
    check_tiling();
    return {std::move(file_), stopped_};
  }

 private:
  /// Fails where nothing more can be read; what the reference would refuse nevertheless is told to refuse().
  Result<void> read_header() {
    const auto header = TRY(open());
    if (!is_utf8(header.json)) return fail(Errc::malformed, kLength, "the header is not UTF-8");
    Cursor in{header.json, kLength};
    TRY(entries(in));
    return check_edges(header.json, in);
  }

  Result<Header> open() {
    const auto first = TRY(bytes::read_up_to(source_, 0, kLength));
    bytes::Reader in{first};
    if (first.size() < kLength) return fail(Errc::truncated, 0, "a file too short for a header");
    const auto length = TRY(in.le<std::uint64_t>());
    if (length > kMostHeader) return fail(Errc::malformed, 0, "a header of more than 100 MB");
    if (length > source_.size() - kLength) return fail(Errc::truncated, 0, "the file ends inside its header");
    file_.data_begin = kLength + length;
    Header out;
    if (const auto all = source_.in_memory(); !all.empty()) {
      out.json = bytes::text(all.subspan(kLength, static_cast<std::size_t>(length)));
      return out;
    }
    out.owned = TRY(bytes::read_exactly(source_, kLength, length));
    out.json = bytes::text(out.owned);
    return out;
  }

  Result<void> entries(Cursor& in) {
    if (!in.eat('{')) return in.bad("the header is no JSON object");
    if (in.eat('}')) return {};
    do {
      in.peek();
      const auto at = in.offset();
      TRY(budget_.check_time(at));
      auto name = TRY(in.text());
      TRY(in.expect(':'));
      const auto value = TRY(in.value(1));
      auto read = name == "__metadata__" ? metadata(at, value) : tensor(at, std::move(name), value);
      if (!read && read.error().code == Errc::limit_reached) return read;
      if (!read) refuse(read.error());
    } while (in.eat(','));
    return in.expect('}');
  }

  Result<void> tensor(std::uint64_t at, std::string name, const Cursor& value) {
    TRY(budget_.charge(bytes::Line::facts, 1, at));
    auto entry = TRY(read_entry(value, budget_.left(bytes::Line::facts) * kDimensionsPerFact));
    TRY(budget_.charge(bytes::Line::facts, entry.tensor.shape.size() / kDimensionsPerFact, at));
    TRY(budget_.charge(bytes::Line::facts, entry.ignored.size(), at));
    std::move(entry.ignored.begin(), entry.ignored.end(), std::back_inserter(file_.ignored));
    if (entry.unknown_field) odd("safetensors.field-unknown", at, name);
    if (entry.odd_form) odd("safetensors.form-odd", at, name);
    entry.tensor.name = std::move(name);
    named_.push_back({std::move(entry.tensor), at});
    return {};
  }

  Result<void> metadata(std::uint64_t at, Cursor in) {
    if (metadata_at_) return fail(Errc::malformed, at, "__metadata__ stands twice");
    metadata_at_ = at;
    if (in.eat_null()) {
      odd("safetensors.form-odd", at, "__metadata__");
      return {};
    }
    if (!in.eat('{')) return in.bad("__metadata__ is no object");
    while (!in.eat('}')) {
      TRY(budget_.charge(bytes::Line::facts, 1, at));
      auto key = TRY(in.text());
      TRY(in.expect(':'));
      file_.metadata.emplace_back(std::move(key), TRY(in.text()));
      in.eat(',');
    }
    return {};
  }

  /// What stands before and behind the object.
  Result<void> check_edges(std::string_view json, Cursor& in) {
    const auto object_end = in.offset();
    in.peek();
    if (in.offset() != file_.data_begin) return in.bad("something follows the header's JSON");
    if (json[0] != '{') odd("safetensors.header-leading-space", kLength);
    const auto pad = json.substr(static_cast<std::size_t>(object_end - kLength));
    if (const auto at = pad.find_first_not_of(' '); at != pad.npos)
      odd("safetensors.form-odd", object_end + at, "padding");
    if (file_.data_begin % kAlignment != 0) odd("safetensors.unaligned", 0, std::to_string(file_.data_begin));
    return {};
  }

  /// The last of several keys counts, for tensors as for metadata: the reference keeps both in a hash map.
  void drop_double_keys() {
    auto& pairs = file_.metadata;
    std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    keep_last(
        pairs, [](const auto& a, const auto& b) { return a.first == b.first; },
        [&](auto& dropped, const auto& kept) {
          odd("safetensors.key-duplicate", *metadata_at_, kept.first);
          if (dropped.second.size() >= kLeastIgnored) file_.ignored.push_back(std::move(dropped.second));
        });
  }

  void drop_double_names() {
    std::stable_sort(named_.begin(), named_.end(),
                     [](const Named& a, const Named& b) { return a.tensor.name < b.tensor.name; });
    keep_last(
        named_, [](const Named& a, const Named& b) { return a.tensor.name == b.tensor.name; },
        [&](const Named&, const Named& kept) { odd("safetensors.key-duplicate", kept.at, kept.tensor.name); });
  }

  /// Of equal neighbours the last stays; `tell` hears of each that goes, and of the one in its place.
  template <class T, class Equal, class Tell>
  static void keep_last(std::vector<T>& sorted, Equal equal, Tell tell) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (i > 0 && equal(sorted[kept - 1], sorted[i])) {
        tell(sorted[kept - 1], sorted[i]);
        sorted[kept - 1] = std::move(sorted[i]);
      } else if (kept++ != i) {
        sorted[kept - 1] = std::move(sorted[i]);
      }
    }
    sorted.resize(kept);
  }

  /// From the first byte of the data to the file's last: no hole, no overlap, nothing left.
  void check_tiling() {
    std::stable_sort(named_.begin(), named_.end(), [](const Named& a, const Named& b) {
      return a.tensor.begin != b.tensor.begin ? a.tensor.begin < b.tensor.begin : a.tensor.end < b.tensor.end;
    });
    std::uint64_t end = 0;
    for (auto& [tensor, at] : named_) {
      const auto bytes = bytes_of(tensor.dtype, tensor.shape);
      if (tensor.begin != end || tensor.end < tensor.begin)
        refuse({Errc::malformed, at, "a tensor does not begin where the one before it ends"});
      else if (!bytes) refuse({Errc::malformed, at, "a shape that has no number of bytes"});
      else if (*bytes != tensor.end - tensor.begin)
        refuse({Errc::malformed, at, "a tensor's shape does not have its bytes"});
      end = tensor.end;
      file_.tensors.push_back(std::move(tensor));
    }
    if (stopped_) return;
    const auto there = source_.size() - file_.data_begin;
    if (end > there) refuse({Errc::truncated, source_.size(), "the file ends inside its tensors"});
    if (end < there) refuse({Errc::malformed, file_.data_begin + end, "bytes behind the last tensor"});
  }

  /// Of what was read in part nobody can say more than why it was not read on.
  void refuse(const Error& why) {
    if (!file_.refused && !stopped_) file_.refused = why;
  }

  /// What is damaged beyond reading is refused by the reference, too; what costs too much may well be fine.
  void stop(const Error& why) {
    if (why.code == Errc::malformed || why.code == Errc::truncated) refuse(why);
    stopped_ = why;
  }

  void odd(std::string_view id, std::uint64_t offset, std::string_view detail = {}) {
    const auto same =
        std::count_if(file_.oddities.begin(), file_.oddities.end(), [&](const Oddity& o) { return o.id == id; });
    if (static_cast<std::size_t>(same) < kMostOddities)
      file_.oddities.push_back({id, offset, std::string{detail.substr(0, kMostDetail)}});
  }

  const bytes::Source& source_;
  bytes::Budget& budget_;
  File file_;
  std::vector<Named> named_;
  std::optional<std::uint64_t> metadata_at_;
  std::optional<Error> stopped_;
};

}  // namespace

Parsed<File> parse(const bytes::Source& source, bytes::Budget& budget) { return FileReader{source, budget}.read(); }

}  // namespace assay::format::safetensors
