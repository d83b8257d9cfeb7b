// Opens what was listed, pins what it is, and reads small files whole, ahead of who hands them to cells.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bytes/digest.h"
#include "scan/descriptor.h"
#include "scan/walk.h"

namespace assay::scan {

struct Opened {
  static constexpr int kNotRegular = -1;

  Descriptor file{};           ///< none where it could not be opened, and where `request` holds its bytes
  int error = 0;               ///< errno or kNotRegular, where it could not be opened
  bool whole = false;          ///< `request` holds all of it
  Identity identity{};         ///< of a `whole` file only the size
  std::string sha256{};        ///< lower-case hex, of files of at most kHashed bytes; else empty
  std::string_view trouble{};  ///< a literal: why a blob could not be read
  std::string request{};       ///< for its cell, from request_for()
};

/// What is done with a file in one cell. A large pickle is swept in another cell than the one that parses it, which
/// sweeps it all the same where not all of its bytes are its own.
enum class Task : char { everything = 'E', leaves_sweep = 'L', sweep_of_root = 'S' };

/// What the reader of a file is asked: the task, the file's size in eight bytes, then its bytes if they travel along.
std::string request_for(std::uint64_t size, std::string_view content, Task task = Task::everything);

/// The bytes that travel along.
inline std::string_view content_of(std::string_view request) noexcept {
  return request.substr(std::min(request.size(), 1 + sizeof(std::uint64_t)));
}

/// Opens without reading. Not blocking, and no link is followed but one that the user named.
Descriptor open_file(const Listing& listing, const Found& found);

/// Gives out what was listed, opened, in order.
class Feed {
 public:
  virtual ~Feed() = default;
  /// Whether next() would not wait.
  virtual bool is_ready() = 0;
  /// The next one; what needs no opening is given out empty.
  virtual Opened next() = 0;
  /// The same for one that next() has given out before.
  virtual Opened open_again(const Found& found) = 0;
};

class Opener final : public Feed {
 public:
  static constexpr std::size_t kWhole = 16 << 10;   ///< bytes: travels inside the request, so that no descriptor has to
  static constexpr std::size_t kHashed = 64 << 10;  ///< bytes: up to here a file is read at once, as a whole

  /// `most_open`: descriptors that it may hold at a time.
  /// `listing` must outlive the opener.
  Opener(const Listing& listing, std::size_t most_open);
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;
  ~Opener() override;

  bool is_ready() noexcept override;
  /// What is no Found::Kind::file is not opened.
  Opened next() override;
  /// May be called while others are opened.
  Opened open_again(const Found& found) override;

 private:
  /// What one thread keeps. The folder that its last file was opened in: a thousand files of one folder need not find
  /// their way to it each.
  struct Hand {
    std::string folder;
    Descriptor folder_fd;
    bytes::Sha256 hash;
  };
  /// The files that one thread opens in a row. They are handed out in order, whoever is done first.
  struct Batch {
    std::vector<Opened> files;
    std::string contents;   ///< of those that are whole, in order: one block that its thread uses again and again
    std::size_t given = 0;  ///< bytes of it
    std::atomic<bool> ready = false;
  };
  Descriptor open(const Found& found, Hand& hand) const;
  Opened open_now(const Found& found, Hand& hand) const;
  /// A whole file's bytes are appended to `contents`; the request is still to be made.
  Opened open_and_read(const Found& found, Hand& hand, std::string& contents) const;
  void run();

  const Listing& listing_;
  const std::vector<Found>& found_;
  const std::size_t batch_files_;
  Hand own_;  // where there are no threads

  std::size_t given_ = 0;  // files, by next()
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable came_;               // a batch to hand out
  std::condition_variable room_;               // for another one
  static constexpr std::size_t kBatches = 16;  ///< being opened, or waiting to be handed out
  std::array<Batch, kBatches> batches_;        // a ring
  std::size_t begun_ = 0;                      // batches, by a thread
  std::size_t handed_out_ = 0;                 // batches, to the last file
  bool closed_ = false;
};

}  // namespace assay::scan
