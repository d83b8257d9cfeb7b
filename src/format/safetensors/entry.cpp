#include "format/safetensors/entry.h"

namespace assay::format::safetensors {
namespace {

class EntryReader {
 public:
  EntryReader(Cursor in, std::uint64_t most_dimensions) : in_{in}, most_dimensions_{most_dimensions} {}

  Result<Entry> read() {
    if (in_.eat('[')) TRY(list());
    else TRY(object());
    return std::move(out_);
  }

 private:
  Result<void> list() {
    out_.odd_form = true;
    TRY(dtype());
    TRY(in_.expect(','));
    TRY(shape());
    TRY(in_.expect(','));
    TRY(offsets());
    return in_.expect(']');
  }

  Result<void> object() {
    if (!in_.eat('{')) return in_.bad("a tensor that is no object");
    while (!in_.eat('}')) {
      TRY(field());
      in_.eat(',');  // the grammar was checked
    }
    if (has_dtype_ && has_shape_ && has_offsets_) return {};
    return in_.bad("a tensor lacks dtype, shape or data_offsets");
  }

  Result<void> field() {
    auto name = TRY(in_.text());
    TRY(in_.expect(':'));
    const auto once = [&](bool& has) -> Result<void> {
      if (std::exchange(has, true)) return in_.bad("a field of a tensor stands twice");
      return {};
    };
    if (name == "dtype") {
      TRY(once(has_dtype_));
      return dtype();
    }
    if (name == "shape") {
      TRY(once(has_shape_));
      return shape();
    }
    if (name == "data_offsets") {
      TRY(once(has_offsets_));
      return offsets();
    }
    out_.unknown_field = true;
    if (name.size() >= kLeastIgnored) out_.ignored.push_back(std::move(name));
    TRY(in_.value(0, &out_.ignored));
    return {};
  }

  /// "F32", or {"F32": null}: an enum of serde's.
  Result<void> dtype() {
    const bool object = in_.eat('{');
    out_.odd_form |= object;
    const auto known = dtype_from(TRY(in_.text()));
    if (!known) return in_.bad("an unknown dtype");
    out_.tensor.dtype = *known;
    if (!object) return {};
    TRY(in_.expect(':'));
    if (!in_.eat_null()) return in_.bad("a dtype with a value");
    return in_.expect('}');
  }

  Result<void> shape() {
    TRY(in_.expect('['));
    auto& shape = out_.tensor.shape;
    while (!in_.eat(']')) {
      if (shape.size() >= most_dimensions_) return fail(Errc::limit_reached, in_.offset(), "limit reached: facts");
      shape.push_back(TRY(in_.integer()));
      in_.eat(',');
    }
    return {};
  }

  Result<void> offsets() {
    TRY(in_.expect('['));
    out_.tensor.begin = TRY(in_.integer());
    TRY(in_.expect(','));
    out_.tensor.end = TRY(in_.integer());
    return in_.expect(']');
  }

  Cursor in_;
  std::uint64_t most_dimensions_;
  Entry out_;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

}  // namespace

Result<Entry> read_entry(Cursor value, std::uint64_t most_dimensions) {
  return EntryReader{value, most_dimensions}.read();
}

}  // namespace assay::format::safetensors
