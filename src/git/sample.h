// Repositories for tests and fuzz targets, written by libgit2 itself into a folder that is gone afterwards.
#pragma once
#include <git2.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "git/location.h"
#include "git/oid.h"

namespace assay::git::sample {

inline Oid ours(const git_oid& id) { return Oid::from_raw({reinterpret_cast<const char*>(id.id), sizeof id.id}); }
inline git_oid theirs(const Oid& id) {
  git_oid out;
  git_oid_fromraw(&out, id.bytes.data());
  return out;
}

/// An empty folder of our own.
class Folder {
 public:
  Folder() {
    auto name = (std::filesystem::temp_directory_path() / "assay-git-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }
  void write(const std::string& name, std::string_view content) const {
    const auto path = std::filesystem::path{path_} / name;
    std::filesystem::create_directories(path.parent_path());
    std::filesystem::remove(path);  // git's own files are read-only
    std::ofstream{path, std::ios::binary} << content;
  }

 private:
  std::string path_;
};

struct File {
  std::string name;
  Oid id;
  git_filemode_t mode = GIT_FILEMODE_BLOB;
};

class Repo {
 public:
  explicit Repo(bool bare = true) {
    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
    git_repository_init(&repository_, folder_.path().c_str(), bare ? 1 : 0);
  }
  Repo(const Repo&) = delete;
  Repo& operator=(const Repo&) = delete;
  ~Repo() {
    git_repository_free(repository_);
    git_libgit2_shutdown();
  }

  const std::string& path() const noexcept { return folder_.path(); }
  const Folder& folder() const noexcept { return folder_; }
  git_repository* handle() const noexcept { return repository_; }

  Oid object(std::string_view bytes, git_object_t type) const {
    git_odb* odb = nullptr;
    git_oid id{};
    git_repository_odb(&odb, repository_);
    git_odb_write(&id, odb, bytes.data(), bytes.size(), type);
    git_odb_free(odb);
    return ours(id);
  }
  Oid blob(std::string_view bytes) const { return object(bytes, GIT_OBJECT_BLOB); }

  /// As written, in any order and with any names.
  Oid tree(const std::vector<File>& files) const {
    std::string bytes;
    for (const auto& file : files) {
      char mode[16];
      std::snprintf(mode, sizeof mode, "%o ", static_cast<unsigned>(file.mode));
      bytes += mode + file.name + '\0' + std::string{file.id.raw()};
    }
    return object(bytes, GIT_OBJECT_TREE);
  }

  Oid commit(const Oid& tree, const std::vector<Oid>& parents = {}, std::int64_t time = 1'700'000'000) const {
    std::string bytes = "tree " + tree.hex() + '\n';
    for (const auto& parent : parents) bytes += "parent " + parent.hex() + '\n';
    const auto when = " " + std::to_string(time) + " +0000\n";
    bytes +=
        "author A U Thor <author@example.com>" + when + "committer C O Mitter <c@example.com>" + when + "\nSay why\n";
    return object(bytes, GIT_OBJECT_COMMIT);
  }

  void refer(const std::string& name, const Oid& id) const { folder().write(meta() + name, id.hex() + "\n"); }

  /// Everything that `commit` reaches into one pack; loose objects stay unless they are removed.
  void pack(const std::vector<Oid>& commits) const {
    git_packbuilder* builder = nullptr;
    git_packbuilder_new(&builder, repository_);
    for (const auto& commit : commits) {
      const auto id = theirs(commit);
      git_packbuilder_insert_commit(builder, &id);
    }
    git_packbuilder_write(builder, (folder_.path() + "/" + meta() + "objects/pack").c_str(), 0, nullptr, nullptr);
    git_packbuilder_free(builder);
  }

  std::string loose(const Oid& id) const {
    const auto hex = id.hex();
    return meta() + "objects/" + hex.substr(0, 2) + "/" + hex.substr(2);
  }
  void remove(const std::string& name) const { std::filesystem::remove(std::filesystem::path{path()} / name); }
  std::string meta() const { return git_repository_is_bare(repository_) != 0 ? "" : ".git/"; }

 private:
  Folder folder_;
  git_repository* repository_ = nullptr;
};

}  // namespace assay::git::sample
