// Asks a ClamAV daemon about the bytes of artifacts, beside the cells that parse them.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "format/document.h"
#include "malware/clamd/client.h"
#include "scan/descriptor.h"
#include "scan/exports.h"
#include "scan/scan.h"
#include "scan/walk.h"

namespace assay::scan {

inline constexpr std::string_view kAntivirus = "avScan";

/// Which daemon is asked. Found once, before anything is scanned.
struct Daemon {
  malware::clamd::Address address;
  malware::clamd::Version version;
  std::string missing;  ///< why there is none, for people; empty where there is one
};
/// The daemon at `address`, or at one of the usual places where that is empty.
Daemon find_daemon(const std::string& address);

/// One thread, started with the first artifact. Used from one other thread.
class Antivirus {
 public:
  /// One artifact whose document is there, and what may be read of it.
  struct Suspect {
    std::size_t index = 0;  ///< in the listing
    std::uint64_t size = 0;
    Identity identity{};
    std::string content{};  ///< all of it, where it was read whole; then there is no file
    Descriptor file{};      ///< none: it is opened again when its turn comes
    Descriptor spool{};
    std::vector<Export> exports{};
    bool cut = false;  ///< `exports` are not all
  };
  struct Answer {
    std::size_t index = 0;
    bool changed = false;  ///< the file became another one
    std::vector<format::Observation> found;
    format::EngineRun run;
  };

  /// `listing` and `options` must outlive it.
  Antivirus(const Listing& listing, Daemon daemon, const Options& options);
  Antivirus(const Antivirus&) = delete;
  Antivirus& operator=(const Antivirus&) = delete;
  ~Antivirus();

  /// Whether there is somebody to ask.
  bool is_asked() const noexcept { return options_.malware != Malware::off && daemon_.missing.empty(); }
  /// How it did not run, where it is wanted and nobody is there to be asked.
  format::EngineRun not_run() const { return {kAntivirus, "", "", false, daemon_.missing, 0}; }

  bool has_room() const noexcept { return pending_ < most_pending_; }
  std::size_t pending() const noexcept { return pending_; }  ///< submitted and not yet taken
  void submit(Suspect suspect);
  /// What is answered by now; waits for the first one, at most so long.
  std::vector<Answer> take(std::chrono::milliseconds timeout);
  void cancel() { cancelled_ = true; }

 private:
  class Examination;
  void run();

  const Listing& listing_;
  const Daemon daemon_;
  const Options& options_;
  const std::size_t most_pending_;
  malware::clamd::Client client_;
  std::atomic<bool> cancelled_ = false;
  std::size_t pending_ = 0;  ///< counted by the other thread

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_, answered_;
  std::deque<Suspect> queue_;
  std::vector<Answer> answers_;
  bool closed_ = false;
};

}  // namespace assay::scan
