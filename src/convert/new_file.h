// A file that exists under its name only once it is complete.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "scan/descriptor.h"

namespace assay::convert {

class NewFile {
 public:
  /// In the folder of `path`, without a name; where the file system has no such files, under a hidden one, which goes
  /// with the object. The error is errno's text.
  static tl::expected<NewFile, std::string> create(const std::string& path);
  NewFile(NewFile&&) noexcept = default;
  NewFile& operator=(NewFile&&) noexcept;
  ~NewFile();

  const std::string& path() const { return path_; }  ///< that it will have
  int descriptor() const { return file_.get(); }

  /// Waits until its bytes are on the disk.
  tl::expected<void, std::string> sync() const;
  /// Gives it its name, for good. Without `replace` an existing file stays, and that is an error.
  tl::expected<void, std::string> commit(bool replace);

 private:
  NewFile() = default;
  tl::expected<void, std::string> link_as(const std::string& name);

  std::string path_;
  std::string hidden_;  ///< the name it has meanwhile; empty where it has none
  scan::Descriptor folder_;
  scan::Descriptor file_;
};

/// All of `text`, and sync().
tl::expected<NewFile, std::string> written_file(const std::string& path, std::string_view text);

}  // namespace assay::convert
