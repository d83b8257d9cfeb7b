// Inside scan: examines one artifact. Formats nest in each other, so their readers are one class; its parts stand in
// files by noun: examiner.cpp what a member is, _zip and _archives what is in it, _safetensors its tensors, _inside
// what hides in it.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "container/contents.h"
#include "container/stream/stream.h"
#include "format/safetensors/safetensors.h"
#include "scan/examine.h"

namespace assay::scan {

/// How a member came to be examined.
enum class Certainty : std::uint8_t {
  member,  ///< its container says that it is one
  guess,   ///< bytes that may be something: kept only when some loader could really start there
};

/// What a container wants its member read as.
struct Wanted {
  enum class Part : std::uint8_t { anything, torch_object, tar_storages, tar_tensors } part = Part::anything;
  std::map<std::string, format::torch::Storage>* storages = nullptr;  ///< out: named by a torch object
  std::string layout;                                                 ///< of the checkpoint: "zip", "tar"
  std::string refusal;  ///< why the weights-only loader refuses the container as such; may be empty
  format::Checkpoint* checkpoint = nullptr;  ///< out: tensors and their bytes, of the parts of a tar
};

std::string_view name_of(container::Method method);

class Examiner {
 public:
  Examiner(const bytes::Source& root, bytes::SpoolFile& spool, const Examination& how)
      : root_{root}, spool_{spool}, how_{how}, budget_{how.limits, root.size()} {
    budget_.on_check(how.sign_of_life);
  }

  std::optional<format::Document> run();

 private:
  using Entry = container::Entry;
  using Source = bytes::Source;

  /// Everything that is known while one member is read.
  struct Reading {
    std::uint32_t index;
    const Source& source;
    std::uint64_t depth;
    Certainty certainty;
    format::MemberFacts facts;
    std::vector<std::byte> head{};
    std::vector<std::string> formats{};
    unsigned loadable = 0;  ///< formats that some loader acts on
    bool own = true;        ///< false: its bytes are a window that engines see as part of the containing member
    std::vector<bytes::Extent> elsewhere{};  ///< of its bytes: what engines see as members
    std::vector<bytes::Extent> tensors{};    ///< of its bytes, inside of windows

    bool is(std::string_view format) const {
      return std::find(formats.begin(), formats.end(), format) != formats.end();
    }
    void recognised(std::string_view format, bool acts) {
      if (is(format)) return;
      formats.emplace_back(format);
      loadable += acts ? 1 : 0;
    }
  };

  // --- A member (examiner.cpp) ---

  std::uint32_t add_member(std::uint32_t parent, std::string name, std::string role, std::uint64_t offset,
                           std::uint64_t size);
  /// Recognises and reads one member and all that is inside it. False where a guess came to nothing.
  bool examine(std::uint32_t index, const Source& source, std::uint64_t depth, Certainty certainty,
               const Wanted& wanted, bool own = true);
  void finish(Reading& r);
  void show_engines(Reading& r);
  bool may_go_on(Reading& r);
  void read(Reading& r, const Wanted& wanted);
  void read_by_magic(Reading& r, const Wanted& wanted);
  void note_pointer(Reading& r);
  void note_macros(Reading& r, std::uint64_t at, std::string_view project);
  void read_pickle(Reading& r);
  void read_torch_object(Reading& r, const Wanted& wanted);
  void read_npy(Reading& r);
  std::optional<std::uint64_t> read_array(Reading& r, std::uint64_t at);
  void read_archives(Reading& r);
  void try_text_pickle(Reading& r);
  void read_text(Reading& r);
  bool read_json(Reading& r);

  // --- Archives (examiner_archives.cpp) ---

  /// Members of one archive, and what their container still has to find out about them.
  struct Archive {
    container::Contents contents;
    std::set<std::string> doubled;                            ///< names that stand there twice
    std::map<std::string, std::shared_ptr<Source>> first_of;  ///< of those, the first one's bytes
    std::unordered_set<std::uint64_t> flagged_encrypted;      ///< header offsets, read plainly after all
    bool really_encrypted = false;
  };
  static Archive archive_of(container::Contents contents, std::string_view duplicate);
  void note(Reading& r, const std::vector<container::Oddity>& oddities);
  bool out_of_budget(Reading& r);
  void compare_doubles(Reading& r, Archive& archive, const Entry& entry, const std::shared_ptr<Source>& source);
  void read_tar(Reading& r);
  void read_sevenzip(Reading& r);
  void read_compressed(Reading& r);

  // --- Zip, and torch checkpoints in it (examiner_zip.cpp) ---

  /// The members that are tensor bytes, by header offset: how many of their bytes a storage owns.
  using Owned = std::unordered_map<std::uint64_t, std::uint64_t>;
  /// Entries by name. Sorted, so that what begins alike stands together.
  using ByName = std::map<std::string_view, std::vector<const Entry*>>;

  void read_zip(Reading& r);
  static bool stands_inside(const Reading& r, const container::Contents& zip);
  void note_zip(Reading& r, const Archive& archive, bool damaged);
  void note_programs(Reading& r, const container::Contents& zip);
  Owned read_torch_zip(Reading& r, Archive& archive);
  void own(std::uint32_t object, const ByName& by_name, const std::string& record,
           const format::torch::Storage& storage, Owned& owned);
  std::shared_ptr<Source> open(Reading& r, Archive& archive, const Entry& entry, std::uint64_t& packed_left);
  std::optional<std::uint32_t> examine_entry(Reading& r, Archive& archive, const Entry& entry, const Owned& owned,
                                             const Wanted& wanted = {});
  void examine_extra(Reading& r, const Entry& entry);
  void examine_storage(std::uint32_t index, const Source& source, std::uint64_t owned, std::uint64_t depth);
  void check_stored(Reading& r, Archive& archive, const Entry& entry, const Source& source, std::uint32_t index);

  // --- Safetensors (examiner_safetensors.cpp) ---

  void read_safetensors(Reading& r);
  void own_tensors(Reading& r, const format::safetensors::File& file);
  void search_texts(Reading& r, const format::safetensors::File& file);
  /// `where`: for people, "metadata" and the like.
  void search_text(Reading& r, std::string_view text, std::string_view where);

  // --- What is inside, and what nobody owns (examiner_inside.cpp) ---

  void examine_nested(Reading& r);
  void examine_tensor(Reading& r, const Source& tensor, std::uint64_t offset);
  /// True where some loader could start at the first byte of `source`.
  bool examine_guess(Reading& r, const Source& source, std::string name, std::string role, std::uint64_t offset,
                     bool own = false);
  void read_unowned(Reading& r);
  void search(Reading& r, std::uint64_t begin, std::uint64_t end);
  void search_programs(Reading& r, std::uint64_t begin, std::uint64_t end);
  Result<std::optional<std::uint64_t>> next_start(Reading& r, std::uint64_t at, std::uint64_t end, bool first);

  const Source& root_;
  bytes::SpoolFile& spool_;
  const Examination& how_;
  bytes::Budget budget_;
  format::Document document_;
  bool needs_own_cell_ = false;
  std::vector<bytes::Extent> window_elsewhere_, window_tensors_;     ///< of the window that was examined last
  std::set<std::pair<std::uint32_t, std::uint64_t>> torch_objects_;  ///< (zip member, header offset) already read
};

/// "zip, png": for a fact's detail.
std::string joined(const std::vector<std::string>& words);

}  // namespace assay::scan
