#include "bytes/digest.h"

// The plain functions: the EVP interface loads configuration files and looks the algorithm up by name, which costs a
// short scan more than its hashing. OpenSSL 3 discourages them only because no provider stands behind them.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

#include "base/text.h"

namespace assay::bytes {

struct Sha256::Context {
  SHA256_CTX state;
  void start() { ASSAY_ASSERT(SHA256_Init(&state) == 1); }
};

Sha256::Sha256() : context_{std::make_unique<Context>()} { context_->start(); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(View bytes) { ASSAY_ASSERT(SHA256_Update(&context_->state, bytes.data(), bytes.size()) == 1); }

Sha256::Raw Sha256::finish_raw() {
  Raw raw;
  ASSAY_ASSERT(SHA256_Final(reinterpret_cast<unsigned char*>(raw.data()), &context_->state) == 1);
  context_->start();
  return raw;
}

std::string Sha256::finish() { return to_hex(text(finish_raw())); }

struct Sha1::Context {
  SHA_CTX state;
  void start() { ASSAY_ASSERT(SHA1_Init(&state) == 1); }
};

Sha1::Sha1() : context_{std::make_unique<Context>()} { context_->start(); }
Sha1::~Sha1() = default;
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;

void Sha1::update(View bytes) { ASSAY_ASSERT(SHA1_Update(&context_->state, bytes.data(), bytes.size()) == 1); }

std::string Sha1::finish() {
  std::array<unsigned char, SHA_DIGEST_LENGTH> raw;
  ASSAY_ASSERT(SHA1_Final(raw.data(), &context_->state) == 1);
  context_->start();
  return to_hex({reinterpret_cast<const char*>(raw.data()), raw.size()});
}

std::string sha256(View bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Sha256::Raw hmac_sha256(View key, View message) {
  constexpr std::size_t kBlock = 64;
  constexpr std::byte kInner{0x36}, kOuter{0x5c};
  Sha256 hash;
  std::array<std::byte, kBlock> padded{};
  if (key.size() > kBlock) {
    hash.update(key);
    std::ranges::copy(hash.finish_raw(), padded.begin());
  } else {
    std::ranges::copy(key, padded.begin());
  }
  const auto keyed = [&](std::byte pad, View rest) {
    auto block = padded;
    for (auto& b : block) b ^= pad;
    hash.update(block);
    hash.update(rest);
    return hash.finish_raw();
  };
  return keyed(kOuter, keyed(kInner, message));
}

Result<std::string> sha256(const Source& source) {
  Sha256 hash;
  std::vector<std::byte> block(1 << 20);
  for (std::uint64_t at = 0; at < source.size();) {
    const auto n = TRY(source.read_at(at, block));
    if (n == 0) return fail(Errc::changed, at, "the file shrank while it was read");
    hash.update(View{block}.first(n));
    at += n;
  }
  return hash.finish();
}

void leave_crypto_settings() noexcept { OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr); }

}  // namespace assay::bytes
