// Sources as the converter holds them: open, pinned, their tensors known.
#pragma once
#include <memory>
#include <string>

#include "convert/convert.h"
#include "sandbox/pool.h"
#include "scan/descriptor.h"
#include "tensors/tensors.h"

namespace assay::convert {

struct Input {
  std::string path;  ///< raw
  scan::Descriptor file;
  scan::Descriptor spool;  ///< what had to be decompressed
  scan::Identity identity;
  tensors::Set set;

  std::uint64_t size() const { return static_cast<std::uint64_t>(identity.size); }
  int descriptor(tensors::Where where) const { return where == tensors::Where::file ? file.get() : spool.get(); }
  /// False once somebody wrote to it since it was opened.
  bool is_unchanged() const { return identity.is_still(file.get()); }
};

/// Reads sources in cells, one at a time.
class InputReader {
 public:
  static tl::expected<InputReader, scan::Refusal> open(const Options& options);

  /// The file at `path`. The error is for people; a file without tensors is no error.
  tl::expected<Input, std::string> read(const std::string& path);
  /// The same for a file that is open already and has no name yet; `descriptor` is borrowed.
  tl::expected<Input, std::string> read(int descriptor, std::string path);
  /// tensors::architecture_of() of the file; "" where there is none.
  std::string architecture(const std::string& path);
  /// tensors::names_in_index() of the file; nothing where it cannot be read.
  std::vector<std::string> index(const std::string& path);

  std::string_view tier() const;

 private:
  InputReader(const Options& options, sandbox::Pool pool) : options_{options}, pool_{std::move(pool)} {}
  /// What a cell says of the file at `path`; "" where there is none.
  std::string ask_about(char question, const std::string& path);
  /// One job in a cell of its own; its answer.
  tl::expected<std::string, std::string> ask(char question, const scan::Descriptor& file, int spool,
                                             std::uint64_t size);

  const Options& options_;
  sandbox::Pool pool_;
  std::uint64_t jobs_ = 0;
};

}  // namespace assay::convert
