#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "git/lfs.h"
#include "git/object.h"

namespace {

using namespace assay;

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Oracle: texts keep to their bounds, names of a tree are not empty and lie inside it, one after the other; and what
// stands for an LFS object says which one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view raw{reinterpret_cast<const char*>(data), size};
  if (const auto commit = git::parse_commit(raw)) {
    expect(commit->author.name.size() <= git::kMostText && commit->author.email.size() <= git::kMostText);
    expect(commit->summary.size() <= git::kMostText && commit->summary.find('\n') == std::string::npos);
  }
  static_cast<void>(git::parse_tag(raw));
  git::TreeReader tree{raw};
  const auto* last = raw.data();
  for (;;) {
    const auto entry = tree.next();
    if (!entry || !*entry) {
      expect(!entry || tree.rest().empty());
      break;
    }
    expect(!(*entry)->name.empty() && (*entry)->name.data() > last);
    expect((*entry)->name.data() + (*entry)->name.size() < raw.data() + raw.size());
    last = (*entry)->name.data();
  }
  if (const auto pointer = git::parse_lfs_pointer(raw))
    expect(size < git::kMostPointerBytes && pointer->oid.size() == 71);
  return 0;
}
