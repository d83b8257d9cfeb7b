// What runs in a cell: one file after the other, each from its bytes to its answer.
#pragma once
#include <string>
#include <string_view>

#include "sandbox/worker.h"
#include "scan/answer.h"
#include "scan/examine.h"
#include "scan/opener.h"
#include "scan/program_search.h"
#include "scan/scan.h"
#include "scan/secret_search.h"
#include "scan/sweep.h"
#include "scan/yara_search.h"

namespace assay::scan {

/// What one cell keeps from file to file.
class Reader {
 public:
  static constexpr char kDocument = 'D';      ///< first byte of an answer: encode(Answer) follows
  static constexpr char kNeedsOwnCell = 'O';  ///< all of an answer: a third-party reader or a spool is needed

  /// `options` must outlive it. `exports`: engines outside of the cell want to see what it reads.
  Reader(const Options& options, bool third_party, bool exports);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// `request`: of request_for(). The answer is empty where that makes no sense.
  std::string read(int descriptor, int spool, std::string_view request, const sandbox::Beat& beat);

 private:
  std::string read(const bytes::Source& source, int spool, Task task, const sandbox::Beat& beat);
  void look_at(const OwnBytes& bytes, bool sweeps);
  void sweep(const OwnBytes& bytes);
  std::string sweep_root(const bytes::Source& source, const sandbox::Beat& beat);
  std::string answered(Answer answer);

  const Options& options_;
  bool third_party_;
  bool exports_;
  Sweep sweep_;
  SecretSearch secrets_;
  YaraSearch yara_;
  ProgramSearch programs_;
  std::vector<LiteralEngine*> engines_;  ///< that are shown each member's own bytes
};

}  // namespace assay::scan
