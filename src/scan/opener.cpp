#include "scan/opener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace assay::scan {
namespace {

constexpr unsigned kMostThreads = 2;
constexpr std::size_t kMostBatchFiles = 64;
constexpr std::size_t kWorthThreads = 128;  ///< files

// Not followed: what was a file when it was listed may be a link by now. Not blocking: or a FIFO.
constexpr int kReading = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

/// Pins what an open file is; closes it where it is not a regular one.
void pin(Opened& out) {
  struct stat s {};
  if (::fstat(out.file.get(), &s) != 0) out.error = errno;
  else if (S_ISREG(s.st_mode)) out.identity = Identity::of(s);
  else out.error = Opened::kNotRegular;
  if (out.error != 0) out.file = Descriptor{};
}

void add_request(Opened& opened, std::string_view content) {
  if (opened.error == 0) opened.request = request_for(static_cast<std::uint64_t>(opened.identity.size), content);
}

}  // namespace

Descriptor open_file(const Listing& listing, const Found& found) {
  return Descriptor{::open(listing.open_path(found).c_str(), kReading | (found.follow ? 0 : O_NOFOLLOW))};
}

std::string request_for(std::uint64_t size, std::string_view content, Task task) {
  std::string out;
  out.reserve(1 + sizeof size + content.size());
  out += static_cast<char>(task);
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  return out.append(content);
}

Opener::Opener(const Listing& listing, std::size_t most_open)
    : listing_{listing},
      found_{listing.found},
      batch_files_{std::clamp(most_open / kBatches, std::size_t{1}, kMostBatchFiles)} {
  if (found_.size() < kWorthThreads) return;
  // On two cores a second one would only take turns with the cells.
  const auto threads = std::clamp(std::thread::hardware_concurrency() / 2, 1u, kMostThreads);
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Opener::~Opener() {
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    room_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
}

bool Opener::is_ready() noexcept {
  return threads_.empty() || given_ % batch_files_ != 0 || batches_[given_ / batch_files_ % kBatches].ready;
}

Opened Opener::next() {
  const auto index = given_++;
  if (threads_.empty()) return open_now(found_[index], own_);
  auto& batch = batches_[index / batch_files_ % kBatches];
  const auto i = index % batch_files_;
  if (i == 0 && !batch.ready) {
    std::unique_lock lock{mutex_};
    came_.wait(lock, [&] { return batch.ready.load(); });
  }
  auto opened = std::move(batch.files[i]);
  const auto size = static_cast<std::size_t>(opened.whole ? opened.identity.size : 0);
  add_request(opened, std::string_view{batch.contents}.substr(batch.given, size));
  batch.given += size;
  if (i + 1 == batch.files.size()) {
    const std::lock_guard lock{mutex_};
    batch.ready = false;
    ++handed_out_;
    room_.notify_all();  // each waits for a batch of its own
  }
  return opened;
}

void Opener::run() {
  Hand hand;
  std::unique_lock lock{mutex_};
  while (begun_ * batch_files_ < found_.size()) {
    const auto number = begun_++;
    auto& batch = batches_[number % kBatches];
    room_.wait(lock, [&] { return closed_ || number < handed_out_ + kBatches; });
    if (closed_) return;
    lock.unlock();
    batch.files.clear();
    batch.contents.clear();
    batch.given = 0;
    const auto end = std::min(found_.size(), (number + 1) * batch_files_);
    for (auto i = number * batch_files_; i < end; ++i)
      batch.files.push_back(open_and_read(found_[i], hand, batch.contents));
    lock.lock();
    batch.ready = true;
    came_.notify_one();
  }
}

Opened Opener::open_again(const Found& found) {
  Hand hand;
  return open_now(found, hand);
}

Opened Opener::open_now(const Found& found, Hand& hand) const {
  std::string contents;
  auto opened = open_and_read(found, hand, contents);
  add_request(opened, contents);
  return opened;
}

Descriptor Opener::open(const Found& found, Hand& hand) const {
  if (!found.open.empty() || listing_.base.empty()) return open_file(listing_, found);
  const auto& path = found.path;
  const auto name = path.rfind('/') + 1;  // none: npos + 1 is 0
  if (!hand.folder_fd || hand.folder.size() != name || path.compare(0, name, hand.folder) != 0) {
    hand.folder = path.substr(0, name);
    hand.folder_fd = Descriptor{::open((listing_.base + hand.folder).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  }
  if (!hand.folder_fd) return open_file(listing_, found);
  return Descriptor{::openat(hand.folder_fd.get(), path.c_str() + name, kReading | O_NOFOLLOW)};
}

Opened Opener::open_and_read(const Found& found, Hand& hand, std::string& contents) const {
  Opened out;
  if (found.kind != Found::Kind::file) return out;
  out.file = open(found, hand);
  if (!out.file) {
    out.error = errno;
    return out;
  }
  // One byte more than a small file has: when fewer come, that was the whole file, and what it is need not be asked.
  // What was hashed is what is examined, whatever becomes of the file. (A pipe or a folder does not let itself be read
  // so.)
  std::array<char, kWhole + 1> block;
  const auto n = ::pread(out.file.get(), block.data(), block.size(), 0);
  auto size = static_cast<std::uint64_t>(n);
  if (n >= 0 && size <= kWhole) {
    const std::string_view content{block.data(), size};
    hand.hash.update(bytes::view(content));
    out.sha256 = hand.hash.finish();
    out.whole = true;
    out.identity.size = n;
    contents.append(content);
    out.file = Descriptor{};
    return out;
  }
  pin(out);
  if (!out.file) return out;
  size = static_cast<std::uint64_t>(out.identity.size);
  if (size <= kHashed)
    if (auto digest = bytes::sha256(bytes::FileSource{out.file.get(), size})) out.sha256 = std::move(*digest);
  return out;
}

}  // namespace assay::scan
