// One model, from its sources to its products.
#pragma once
#include "convert/claims.h"
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
  Job(const Unit& unit, const Options& options, InputReader& reader, Ticker& ticker, Claims& claims, Conversion& out)
      : unit_{unit}, options_{options}, reader_{reader}, ticker_{ticker}, claims_{claims}, out_{out} {}

  /// Everything; how it went is in the conversion.
  void run();

 private:
  using Status = Conversion::Status;

  // Each returns false where the conversion is over; end() has said why then.
  bool understand();
  bool read_sources();
  bool end_without_tensors(const std::string& where, const tensors::Set& set);
  bool check_index();
  bool make_plan();
  bool claim_products();
  bool keep_metadata();
  void keep(const tensors::Scalar& scalar);
  bool is_within_limits();
  bool compare_with_existing();
  bool stays(const std::string& path, const std::string& holds);
  bool compare_metadata(const std::vector<Input>& products);
  bool check_room();
  bool write();
  bool write_output(std::size_t number);
  bool write_digests(Digests& digests);
  bool take_digests(Digests& digests);
  format::safetensors::Metadata metadata_for(std::size_t number) const;
  bool verify();
  bool commit();
  void remove_sources();
  void remove(const std::string& path, const scan::Identity* identity);

  bool end(Status status, std::string why);
  /// A step that failed in the files, `where` among them.
  bool failed(const std::string& where, const Error& error);

  std::string placed(const std::string& beside_source) const;
  std::vector<std::string> product_names() const;
  std::vector<std::string> product_paths() const;
  void describe_products();
  std::string name_difference(const Output& output, const tensors::Set& result) const;
  /// What differs between the sources and what the products hold; "" where nothing does.
  Result<std::string> difference(const std::vector<Input>& products);
  void undo(std::size_t committed);
  const tensors::Tensor& tensor(const Item& item) const { return inputs_[item.input].set.tensors[item.tensor]; }
  std::uint64_t source_bytes() const;
  std::uint64_t product_bytes() const;

  const Unit& unit_;
  const Options& options_;
  InputReader& reader_;
  Ticker& ticker_;
  Claims& claims_;
  Conversion& out_;
  std::vector<Input> inputs_;
  Plan plan_;
  std::string index_path_;    ///< empty where there is to be none
  bool is_recorded_ = false;  ///< a product that is there names this very source
  NewFolders folders_;
  std::vector<NewFile> files_;  ///< in the order of product_paths()
};

}  // namespace assay::convert
