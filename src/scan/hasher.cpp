#include "scan/hasher.h"

#include "bytes/digest.h"
#include "scan/opener.h"

namespace assay::scan {
namespace {

Result<std::string> digest_of(int fd, const Identity& identity) {
  // Since its cell read it, and while it is read here, the file may have become another.
  constexpr std::string_view kChanged = "the file changed while it was read";
  if (!identity.is_still(fd)) return fail(Errc::changed, 0, kChanged);
  auto digest = TRY(bytes::sha256(bytes::FileSource{fd, static_cast<std::uint64_t>(identity.size)}));
  if (!identity.is_still(fd)) return fail(Errc::changed, 0, kChanged);
  return digest;
}

}  // namespace

Hasher::~Hasher() {
  cancel();
  finish();
}

void Hasher::submit(std::size_t index, const Identity& identity, Descriptor input) {
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
  const std::lock_guard lock{mutex_};
  queue_.push_back({index, identity, std::move(input)});
  wake_.notify_one();
}

std::map<std::size_t, Result<std::string>> Hasher::finish() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock{mutex_};
      closed_ = true;
      wake_.notify_one();
    }
    thread_.join();
  }
  return std::move(done_);
}

void Hasher::run() {
  while (true) {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto item = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    if (cancelled_) continue;
    const auto opened = item.input ? Descriptor{} : open_file(listing_, listing_.found[item.index]);
    done_.emplace(item.index, digest_of(item.input ? item.input.get() : opened.get(), item.identity));
  }
}

}  // namespace assay::scan
