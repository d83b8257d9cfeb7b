// Digests of large files, computed beside the cells that parse them. Cells never see what it computes.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "scan/descriptor.h"
#include "scan/walk.h"

namespace assay::scan {

/// One thread, started with the first file. Used from one other thread.
class Hasher {
 public:
  /// `listing` must outlive it; `index` below is one of listing.found.
  explicit Hasher(const Listing& listing) : listing_{listing} {}
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();

  /// `identity` is the file's as its reader saw it; The file is opened when its turn
  /// comes, because thousands may wait; standard input's copy comes as `input`.
  void submit(std::size_t index, const Identity& identity, Descriptor input = Descriptor{});

  /// Waits for all. Each file's SHA-256 in lower-case hex, or Errc::changed where it is no longer what was read.
  std::map<std::size_t, Result<std::string>> finish();

  /// What is not begun yet is left out of finish().
  void cancel() { cancelled_ = true; }

 private:
  struct Item {
    std::size_t index;
    Identity identity;
    Descriptor input;
  };
  void run();

  const Listing& listing_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::map<std::size_t, Result<std::string>> done_;
  bool closed_ = false;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace assay::scan
