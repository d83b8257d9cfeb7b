// From checkpoints to safetensors, bit for bit, without running anything.
//
// Sources are read in cells, as a scan reads them. Only then are bytes moved, from validated ranges of the sources to a
// new file beside the product; that file is compared with its source, byte for byte, before it takes its name. A crash,
// a signal or a full disk leaves what was there before.
//
// Cells are forked: call from a thread that outlives the call, in a program that does not ignore SIGCHLD.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "convert/result.h"
#include "scan/scan.h"
#include "verdict/policy.h"

namespace assay::convert {

struct Progress {
  std::string_view doing;    ///< "scanning", "reading", "writing", "hashing", "verifying", "comparing"
  std::string_view current;  ///< raw path
  std::uint64_t files_done = 0, files = 0;
  std::uint64_t bytes_done = 0, bytes = 0;  ///< of what is being done
};

struct Options {
  std::string output;              ///< file, or folder where there are several products; empty: beside the source
  std::optional<std::string> key;  ///< path of the wanted dict; "" is the root
  std::uint64_t shard_bytes = 0;   ///< most bytes of tensors in one file; 0: as many files as the source has
  bool strict = false;             ///< refuse where anything would be left out
  bool keep_metadata = false;      ///< numbers and texts become metadata
  bool copy_tied = false;          ///< write shared tensors once for each name
  bool force = false;              ///< replace files that exist
  bool remove_source = false;      ///< afterwards, where nothing was left out
  bool dry_run = false;            ///< say what would be done
  bool allow_unconfined = false;
  bytes::Limits limits;
  std::string spool_folder = "/var/tmp";
  std::function<void(const Progress&)> on_progress;  ///< a few times a second, from any of its threads, one at a time
  std::function<bool()> stop;                        ///< asked now and then, from any of its threads
};

/// Bytes that may be written for each byte of source, beyond kFreeBytes: an expanded tensor of a few bytes claims any
/// size.
inline constexpr std::uint64_t kMostExpansion = 16;
inline constexpr std::uint64_t kFreeBytes = 1ull << 30;

/// Converts files, and every checkpoint below folders. What could not be converted is part of the answer; only missing
/// confinement, or a path that is not there, refuses the whole.
tl::expected<Outcome, scan::Refusal> convert(const std::vector<std::string>& paths, const verdict::Policy& policy,
                                             std::chrono::sys_days today, const Options& options);

/// Whether two files, or two folders of shards, hold the same tensors. Metadata of safetensors files that records a
/// tied name stands for that tensor.
tl::expected<Comparison, scan::Refusal> compare(const std::string& left, const std::string& right,
                                                const Options& options);

/// 0 everything is converted, there already or skipped; 1 something was refused, else 2 something failed; 130
/// interrupted.
int exit_code(const Outcome& outcome);

}  // namespace assay::convert
