// From what the user named to the artifacts of one repository. Nothing is skipped silently.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/document.h"

namespace assay::scan {

/// One path that the repository holds.
struct Found {
  enum class Kind : std::uint8_t {
    file,  ///< a regular file, to be examined
    standard_input,
    special,     ///< a FIFO, socket or device: not read
    unreadable,  ///< could not be listed or looked at; `what` says why
    escaping,    ///< a symbolic link that leads out of the tree: not followed
    blob,        ///< of a git history, to be examined; `origin` names it
    absent,      ///< named by the repository, and not in it; `what` is the id of the rule that says why
  };
  Kind kind = Kind::file;
  std::string path;        ///< raw, relative to the repository's root
  std::string open;        ///< raw path to open it by, where that is not Listing::base and `path`
  std::uint64_t size = 0;  ///< bytes, as far as known: 0 where nobody asked
  std::string what;        ///< a literal's text for people
  bool follow = false;     ///< the user named this very path, so it may be a link
  bool is_link = false;    ///< a blob that is the target of a symbolic link
  std::shared_ptr<const format::Origin> origin = {};  ///< of a blob, and of what is absent in a history
};

struct Link {
  std::string from;  ///< raw, relative to the root
  std::string to;    ///< as written in the link
};

struct Listing {
  std::string root;            ///< as the user gave it
  std::string base;            ///< before paths, to open them: "" or the root and '/'
  std::vector<Found> found;    ///< by path
  std::vector<Link> links;     ///< symbolic links inside the tree, by path
  std::uint64_t excluded = 0;  ///< files that --include or --exclude left out

  std::string open_path(const Found& f) const { return f.open.empty() ? base + f.path : f.open; }
};

struct Selection {
  std::vector<std::string> include;  ///< globs; none means everything
  std::vector<std::string> exclude;
};
bool is_selected(const Selection& selection, std::string_view path);

/// Lists files, folders (recursively, never through links to folders) and "-" for standard input.
///
/// A link to a file inside the same tree is a relation and its target is examined under its own path. In a Hugging
/// Face cache, or a part of one, blobs are examined under the names that snapshots give them, and under their own path
/// only where there is no such name; a snapshot's tree is its whole cached repository. A folder that is visited twice
/// is visited once.
/// A folder says by itself what is a regular file; only its size costs a system call more.
enum class Sizes : std::uint8_t { asked, not_asked };
Listing list(const std::vector<std::string>& paths, const Selection& selection, Sizes sizes = Sizes::asked);

/// A glob over the whole path: '*' stops at '/', "**" does not, '?' is one character. A pattern without '/'
/// matches the file's own name anywhere.
bool glob_matches(std::string_view pattern, std::string_view path);

}  // namespace assay::scan
