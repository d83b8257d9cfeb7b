// SHA-256 of the sources, computed beside the writing: most of that is waiting for the disk.
#pragma once
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "convert/input.h"
#include "convert/ticker.h"

namespace assay::convert {

class Digests {
 public:
  /// Begins at once. Both must outlive it.
  Digests(const std::vector<Input>& inputs, Ticker& ticker);
  Digests(const Digests&) = delete;
  Digests& operator=(const Digests&) = delete;
  ~Digests();

  /// Waits. One for each input, lower-case hex.
  Result<std::vector<std::string>> finish();

 private:
  Result<std::string> digest(const Input& input);

  const std::vector<Input>& inputs_;
  Ticker& ticker_;
  std::atomic<bool> abandoned_ = false;
  std::atomic<bool> awaited_ = false;  ///< nothing else is being done, so that its bytes are the progress
  Result<std::vector<std::string>> done_;
  std::thread thread_;
};

}  // namespace assay::convert
