#include "base/kept.h"

#include <array>
#include <mutex>
#include <set>

namespace assay {
namespace {

constexpr std::size_t kMost = 4096, kLongest = 1024;  // texts, and bytes of one

/// Texts stay where they are as long as the program lives.
struct Texts {
  std::mutex mutex;
  std::set<std::string, std::less<>> all;
};

/// Where a thread looks first. Texts that fall on the same slot push each other out, which costs time only.
std::string_view& slot_of(std::string_view text) {
  constexpr std::size_t kSlots = 64;
  static thread_local std::array<std::string_view, kSlots> slots;
  const auto first = static_cast<unsigned char>(text.front()), last = static_cast<unsigned char>(text.back());
  return slots[(text.size() * 7 + first * 3u + last) % kSlots];
}

/// Empty where there is no more room, and where another thread is at it.
std::string_view kept(std::string_view text) {
  static auto& few = *new Texts;  // threads may still ask when static objects are gone
  const std::unique_lock lock{few.mutex, std::try_to_lock};
  if (!lock) return {};
  if (const auto known = few.all.find(text); known != few.all.end()) return *known;
  return few.all.size() < kMost ? std::string_view{*few.all.emplace(text).first} : std::string_view{};
}

}  // namespace

void Kept::assign(std::string_view text) {
  if (text.empty()) return;
  auto& slot = slot_of(text);
  if (slot != text) {
    const auto found = text.size() <= kLongest ? kept(text) : std::string_view{};
    if (found.empty()) {
      own_ = std::make_shared<const std::string>(text);
      text_ = *own_;
      return;
    }
    slot = found;
  }
  text_ = slot;
}

std::string_view Kept::for_ever() const {
  if (!own_) return text_;
  static auto& rest = *new Texts;
  const std::lock_guard lock{rest.mutex};
  return *rest.all.emplace(*own_).first;
}

}  // namespace assay
