// A file that exists under its name only once it is complete, and the folders that it needs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scan/descriptor.h"

namespace assay::convert {

/// What becomes of a file that has the name already.
enum class Existing : std::uint8_t {
  stays,          ///< and the new one does not get the name
  goes,           ///< for good
  can_come_back,  ///< until the new one's object goes: undo() brings it back
};

/// Errors are the system's own words.
class NewFile {
 public:
  using Done = tl::expected<void, std::string>;

  /// In the folder of `path`, without a name; where the file system has no such files, under a hidden one, which goes
  /// with the object. Refused where something other than a file stands at `path`.
  static tl::expected<NewFile, std::string> create(const std::string& path);
  NewFile(NewFile&&) noexcept = default;
  NewFile& operator=(NewFile&&) noexcept;
  ~NewFile();

  const std::string& path() const { return path_; }  ///< that it will have
  int descriptor() const { return file_.get(); }

  /// Waits until its bytes are on the disk.
  Done sync() const;
  /// Gives it its name.
  Done commit(Existing existing);
  /// After commit(): as if it had not been. An error where what was replaced is gone.
  Done undo();

 private:
  NewFile() = default;
  Done link_as(const std::string& name);
  Done take_place(Existing existing);
  Done take_free_place();

  std::string path_;
  std::string name_;    ///< in the folder
  std::string hidden_;  ///< of the file until it has its name, then of what it replaced; empty where neither has one
  bool replaced_for_good_ = false;
  scan::Descriptor folder_;
  scan::Descriptor file_;
};

/// All of `text`, and sync().
tl::expected<NewFile, std::string> written_file(const std::string& path, std::string_view text);

/// Folders that go with the object, unless they are kept.
class NewFolders {
 public:
  NewFolders() = default;
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;
  ~NewFolders();

  /// Those that `path` stands in and that are not there. What goes wrong is seen when the file is made.
  void make_for(const std::string& path);
  void keep() { made_.clear(); }

 private:
  std::vector<std::string> made_;  ///< outer ones first
};

}  // namespace assay::convert
