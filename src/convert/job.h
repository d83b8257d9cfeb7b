// One model, from its sources to its products.
#pragma once
#include "convert/convert.h"
#include "convert/digests.h"
#include "convert/input.h"
#include "convert/new_file.h"
#include "convert/plan.h"
#include "convert/ticker.h"
#include "convert/unit.h"

namespace assay::convert {

class Job {
 public:
  /// All must outlive it. `out` has its sources already.
  Job(const Unit& unit, const Options& options, InputReader& reader, Ticker& ticker, Conversion& out)
      : unit_{unit}, options_{options}, reader_{reader}, ticker_{ticker}, out_{out} {}

  /// Everything; how it went is in the conversion.
  void run();

 private:
  using Status = Conversion::Status;
  using Done = tl::expected<void, std::string>;

  // Each returns false where the conversion is over; end() has said why then.
  bool read_sources();
  std::vector<std::string> product_names() const;
  bool make_plan();
  bool keep_metadata();
  bool is_within_limits();
  bool compare_with_existing();
  bool check_room();
  bool write();
  bool verify();
  bool commit();
  void remove_sources();

  bool end(Status status, std::string why);
  /// A step that failed in the files.
  bool failed(const Error& error);
  void describe_products();
  format::safetensors::Metadata metadata_for(const Output& output, bool first) const;
  std::string sources_of(const Output& output) const;
  bool write_output(Output& output, bool first);
  bool write_digests(Digests& digests);
  bool same_names(const Output& output, const tensors::Set& result);
  bool same_elements(const std::vector<Input>& products);
  std::string index_json() const;
  const tensors::Tensor& tensor(const Item& item) const { return inputs_[item.input].set.tensors[item.tensor]; }
  std::uint64_t source_bytes() const;
  std::uint64_t product_bytes() const;

  const Unit& unit_;
  const Options& options_;
  InputReader& reader_;
  Ticker& ticker_;
  Conversion& out_;
  std::vector<Input> inputs_;
  Plan plan_;
  std::vector<NewFile> files_;
  std::string index_path_;
};

}  // namespace assay::convert
