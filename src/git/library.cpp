#include "git/library.h"

#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>
#include <unistd.h>

#include <fstream>

namespace assay::git {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* handle) const noexcept {
    release(handle);
  }
};
template <class T, auto release>
using Handle = std::unique_ptr<T, Release<release>>;

constexpr std::size_t kWindowBytes = 32 << 20;   ///< of a pack, mapped at a time
constexpr std::size_t kMappedBytes = 512 << 20;  ///< all windows together
constexpr std::size_t kMostPacksOpen = 100;      ///< a cell has few descriptors
constexpr std::size_t kMostReferences = 5'000'000;

/// Once per process, and never undone. Nothing of the user's is read, and nothing is kept: every object is met once.
void prepare() {
  static const bool done = [] {
    git_libgit2_init();
    for (const int level :
         {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA})
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);  // whose it is does not matter to who only reads objects
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
    git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
    git_libgit2_opts(GIT_OPT_DISABLE_PACK_KEEP_FILE_CHECKS, 1);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, kWindowBytes);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, kMappedBytes);
    git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, kMostPacksOpen);
    return true;
  }();
  static_cast<void>(done);
}

git_oid to_theirs(const Oid& id) {
  git_oid out;
  git_oid_fromraw(&out, id.bytes.data());
  return out;
}

Oid to_ours(const git_oid& id) { return Oid::from_raw({reinterpret_cast<const char*>(id.id), sizeof id.id}); }

Type to_type(git_object_t type) {
  switch (type) {
    case GIT_OBJECT_COMMIT: return Type::commit;
    case GIT_OBJECT_TREE: return Type::tree;
    case GIT_OBJECT_BLOB: return Type::blob;
    case GIT_OBJECT_TAG: return Type::tag;
    default: return Type::other;
  }
}

State to_state(int code) {
  if (code == 0) return State::present;
  if (code == GIT_ENOTFOUND) return State::missing;
  const auto* error = git_error_last();
  return error != nullptr && error->klass == GIT_ERROR_NOMEMORY ? State::too_large : State::damaged;
}

bool write_all(int file, const char* bytes, std::size_t size, std::uint64_t at) {
  while (size > 0) {
    const auto n = ::pwrite(file, bytes, size, static_cast<off_t>(at));
    if (n <= 0) return false;
    bytes += n;
    at += static_cast<std::uint64_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

struct Library::Handles {
  Location where;
  Handle<git_odb, git_odb_free> odb;
  Handle<git_repository, git_repository_free> repository;
};

Library::Library(std::unique_ptr<Handles> state) noexcept : state_{std::move(state)} {}
Library::Library(Library&&) noexcept = default;
Library& Library::operator=(Library&&) noexcept = default;
Library::~Library() = default;

Result<Library> Library::open(const Location& where) {
  prepare();
  auto state = std::make_unique<Handles>();
  state->where = where;
  git_odb* odb = nullptr;
  if (git_odb_new(&odb) != 0) return fail(Errc::unsupported, 0, "no room for the repository's objects");
  state->odb.reset(odb);
  // Folder by folder, so that no list of alternates is followed but the one that location.cpp read, with its bounds.
  int priority = 2 * static_cast<int>(kMostObjectFolders);
  for (const auto& folder : where.objects) {
    git_odb_backend *packs = nullptr, *loose = nullptr;
    if (git_odb_backend_pack(&packs, folder.c_str()) == 0) git_odb_add_backend(odb, packs, priority--);
    if (git_odb_backend_loose(&loose, folder.c_str(), -1, 0, 0, 0) == 0) git_odb_add_backend(odb, loose, priority--);
  }
  git_repository* repository = nullptr;
  if (git_repository_open_bare(&repository, where.git_dir.c_str()) != 0)
    return fail(Errc::unsupported, 0, "not a git repository");
  state->repository.reset(repository);
  git_config* nothing = nullptr;
  if (git_config_new(&nothing) != 0 || git_repository_set_config(repository, nothing) != 0 ||
      git_repository_set_odb(repository, odb) != 0)
    return fail(Errc::unsupported, 0, "the repository cannot be opened");
  git_config_free(nothing);
  return Library{std::move(state)};
}

Header Library::header(const Oid& id) {
  const auto theirs = to_theirs(id);
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  const auto state = to_state(git_odb_read_header(&size, &type, state_->odb.get(), &theirs));
  if (state != State::present) return {state, Type::other, 0};
  return {state, to_type(type), size};
}

Object Library::read(const Oid& id) {
  const auto theirs = to_theirs(id);
  git_odb_object* object = nullptr;
  const auto state = to_state(git_odb_read(&object, state_->odb.get(), &theirs));
  const Handle<git_odb_object, git_odb_object_free> owned{object};
  if (state != State::present) return {state, Type::other, {}};
  return {state,
          to_type(git_odb_object_type(object)),
          {static_cast<const char*>(git_odb_object_data(object)), git_odb_object_size(object)}};
}

State Library::copy(const Oid& id, int file) {
  const auto theirs = to_theirs(id);
  git_odb_stream* stream = nullptr;
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_open_rstream(&stream, &size, &type, state_->odb.get(), &theirs) != 0) {
    // Packed ones come whole only. No second copy of it is made.
    git_odb_object* object = nullptr;
    const auto state = to_state(git_odb_read(&object, state_->odb.get(), &theirs));
    const Handle<git_odb_object, git_odb_object_free> owned{object};
    if (state != State::present) return state;
    if (git_odb_object_type(object) != GIT_OBJECT_BLOB) return State::damaged;
    const auto* bytes = static_cast<const char*>(git_odb_object_data(object));
    return write_all(file, bytes, git_odb_object_size(object), 0) ? State::present : State::too_large;
  }
  const Handle<git_odb_stream, git_odb_stream_free> owned{stream};
  if (type != GIT_OBJECT_BLOB) return State::damaged;
  std::vector<char> block(1 << 20);
  std::uint64_t at = 0;
  while (at < size) {
    const auto n = git_odb_stream_read(stream, block.data(), std::min<std::size_t>(block.size(), size - at));
    if (n <= 0) return State::damaged;
    if (!write_all(file, block.data(), static_cast<std::size_t>(n), at)) return State::too_large;
    at += static_cast<std::uint64_t>(n);
  }
  return State::present;
}

Result<Library::References> Library::references() {
  auto* repository = state_->repository.get();
  References out;
  git_reference_iterator* iterator = nullptr;
  if (git_reference_iterator_new(&iterator, repository) != 0)
    return fail(Errc::malformed, 0, "the repository's references cannot be listed");
  const Handle<git_reference_iterator, git_reference_iterator_free> owned{iterator};
  const char* name = nullptr;
  int code = 0;
  while ((code = git_reference_next_name(&name, iterator)) == 0) {
    git_oid id;
    if (out.ids.size() == kMostReferences)
      return fail(Errc::limit_reached, 0, "the repository has too many references");
    const int found = git_reference_name_to_id(&id, repository, name);
    if (found == 0) out.ids.push_back(to_ours(id));
    else if (found != GIT_ENOTFOUND) ++out.broken;  // a name for a name that does not exist holds nothing
  }
  if (code != GIT_ITEROVER) return fail(Errc::malformed, 0, "the repository's references cannot be listed");
  if (git_oid head; git_reference_name_to_id(&head, repository, "HEAD") == 0) out.ids.push_back(to_ours(head));
  return out;
}

std::optional<Oid> Library::resolve(const std::string& revision) {
  auto* repository = state_->repository.get();
  git_oid id;
  if (const auto plain = Oid::from_hex(revision)) return plain;
  if (revision == "HEAD")
    return git_reference_name_to_id(&id, repository, "HEAD") == 0 ? std::optional{to_ours(id)} : std::nullopt;
  // A plain name first: what it leads to may be damaged, and is named all the same.
  git_reference* reference = nullptr;
  const bool is_name = git_reference_dwim(&reference, repository, revision.c_str()) == 0;
  const Handle<git_reference, git_reference_free> owned_reference{reference};
  if (const auto* target = is_name ? git_reference_target(reference) : nullptr) return to_ours(*target);
  git_object* object = nullptr;
  if (git_revparse_single(&object, repository, revision.c_str()) != 0) return std::nullopt;
  const Handle<git_object, git_object_free> owned{object};
  return to_ours(*git_object_id(object));
}

Result<std::vector<Staged>> Library::index() {
  std::vector<Staged> out;
  if (::access(state_->where.index.c_str(), F_OK) != 0) return out;  // nothing was ever staged
  git_index* index = nullptr;
  const int code = git_index_open(&index, state_->where.index.c_str());
  const Handle<git_index, git_index_free> owned{index};
  if (code != 0) return fail(Errc::malformed, 0, "the index of staged files cannot be read");
  const auto count = git_index_entrycount(index);
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto* entry = git_index_get_byindex(index, i);
    if (entry == nullptr || (entry->flags_extended & GIT_INDEX_ENTRY_INTENT_TO_ADD) != 0) continue;  // has no content
    out.push_back({entry->path, entry->mode, to_ours(entry->id)});
  }
  return out;
}

std::unordered_set<Oid, OidHash> Library::shallow() const {
  std::unordered_set<Oid, OidHash> out;
  std::ifstream file{state_->where.common_dir + "/shallow"};
  for (std::string line; std::getline(file, line);)
    if (const auto id = Oid::from_hex(line)) out.insert(*id);
  return out;
}

}  // namespace assay::git
