#include "convert/digests.h"

#include "bytes/digest.h"
#include "convert/copy.h"

namespace assay::convert {
namespace {

constexpr std::size_t kBlock = 1 << 20;  ///< bytes

}  // namespace

Digests::Digests(const std::vector<Input>& inputs, Ticker& ticker) : inputs_{inputs}, ticker_{ticker} {
  thread_ = std::thread{[this] {
    for (const auto& input : inputs_) {
      auto one = digest(input);
      if (one) done_->push_back(std::move(*one));
      else done_ = tl::unexpected<Error>{one.error()};
      if (!done_) return;
    }
  }};
}

Digests::~Digests() {
  abandoned_ = true;
  if (thread_.joinable()) thread_.join();
}

Result<std::vector<std::string>> Digests::finish() {
  awaited_ = true;
  thread_.join();
  return std::move(done_);
}

Result<std::string> Digests::digest(const Input& input) {
  bytes::Sha256 hash;
  std::vector<std::byte> block(std::min<std::uint64_t>(kBlock, input.size()));
  for (std::uint64_t at = 0; at < input.size();) {
    const auto part = std::span{block}.first(std::min<std::uint64_t>(kBlock, input.size() - at));
    TRY(read_fully(input.file.get(), at, part));
    hash.update(part);
    at += part.size();
    if (abandoned_ || !ticker_(awaited_ ? part.size() : 0)) return fail(Errc::limit_reached, at, "interrupted");
  }
  return hash.finish();
}

}  // namespace assay::convert
