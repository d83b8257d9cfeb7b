#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "bytes/digest.h"
#include "git/library.h"
#include "git/sample.h"

namespace {

using namespace assay;
using git::State;

void expect(bool holds) {
  if (!holds) std::abort();
}

git::Oid id_of(const git::Object& object) {
  static constexpr std::string_view kTypes[] = {"", "commit", "tree", "blob", "tag"};
  bytes::Sha1 hash;
  const auto head =
      std::string{kTypes[static_cast<std::size_t>(object.type)]} + ' ' + std::to_string(object.bytes.size());
  hash.update(bytes::view(std::string_view{head.c_str(), head.size() + 1}));
  hash.update(bytes::view(object.bytes));
  return *git::Oid::from_hex(hash.finish());
}

/// A repository with one commit, packed, into which every input is written in a place of its own.
struct Bench {
  git::sample::Repo repo;
  git::Oid blob = repo.blob("a blob that is long enough to be worth a delta, and then some more of it");
  git::Oid commit = repo.commit(repo.tree({{"file", blob}}));
  git::Oid loose = *git::Oid::from_hex("0123456789abcdef0123456789abcdef01234567");
  std::string pack, index;  // names

  Bench() {
    repo.pack({commit});
    for (const auto& file : std::filesystem::directory_iterator{repo.path() + "/objects/pack"})
      (file.path().extension() == ".idx" ? index : pack) = "objects/pack/" + file.path().filename().string();
    repo.remove(repo.loose(blob));
    repo.remove(repo.loose(commit));
    repo.refer("refs/heads/main", commit);
  }
};

void read_everything(const Bench& bench) {
  auto where = git::locate(bench.repo.path());
  if (!where) return;
  auto library = git::Library::open(*where);
  if (!library) return;
  for (const auto& id : {bench.blob, bench.commit, bench.loose}) {
    const auto header = library->header(id);
    if (header.size > 64 << 20) continue;  // a claim that a cell's limit answers
    const auto object = library->read(id);
    expect(object.state != State::present || id_of(object) == id);
    const int file = ::memfd_create("copy", MFD_CLOEXEC);
    static_cast<void>(library->copy(id, file));
    ::close(file);
  }
  static_cast<void>(library->index());
  static_cast<void>(library->shallow());
  git::Tips tips;
  tips.include = {bench.commit, bench.loose};
  if (auto references = library->references()) tips.include = std::move(references->ids);
  static_cast<void>(library->resolve("main"));
  std::uint64_t beats = 0;
  static_cast<void>(git::walk(*library, tips, {}, [&] { expect(++beats < 100'000); }));
}

std::string contents(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

// Oracle: reading ends, and bytes are handed out only under the id that is theirs. The input stands in turn for a loose
// object, a pack, the index of a pack, packed references, and the index of staged files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Bench bench;
  const std::string_view input{reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1 << 20)};
  for (const auto& name : {bench.repo.loose(bench.loose), bench.pack, bench.index, std::string{"packed-refs"},
                           std::string{"index"}, std::string{"shallow"}}) {
    const auto path = bench.repo.path() + "/" + name;
    const bool existed = std::filesystem::exists(path);
    const auto before = contents(path);
    // A pack is more than its first bytes: the input also replaces a part of a true one.
    for (const bool whole : {true, false}) {
      auto bytes = std::string{input};
      if (!whole) {
        if (before.empty() || input.empty()) break;
        const auto at = static_cast<unsigned char>(input[0]) % before.size();
        bytes = before;
        bytes.replace(at, input.size() - 1, input.substr(1, before.size() - at));
      }
      bench.repo.folder().write(name, bytes);
      read_everything(bench);
    }
    if (existed) bench.repo.folder().write(name, before);
    else bench.repo.remove(name);
  }
  return 0;
}
