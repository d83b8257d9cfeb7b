#include "git/history.h"

#include <algorithm>
#include <queue>
#include <set>
#include <unordered_map>

namespace assay::git {
namespace {

constexpr std::size_t kTagsOfTags = 16;
constexpr std::int64_t kClocksDiffer = 86'400;  ///< seconds, between machines that mean well
constexpr std::int64_t kLatest = std::int64_t{1} << 62;
constexpr std::uint64_t kFixedBytes = 96;  ///< of a result, beside its texts

/// Collects results, and stops taking more at a limit.
class Results {
 public:
  explicit Results(const WalkLimits& limits) : limits_{limits} {}

  void gap(Gap::Kind kind, const Oid& id = {}) {
    if (out_.gaps.size() < kMostGaps) out_.gaps.push_back({kind, id});
    else ++out_.more_gaps;
  }

  bool take(Entry entry) {
    if (!has_room(entry.path.size()) || out_.entries.size() == limits_.entries) return full();
    out_.entries.push_back(std::move(entry));
    return true;
  }

  bool take(Commit commit) {
    if (!has_room(commit.author.name.size() + commit.author.email.size() + commit.summary.size())) return full();
    out_.commits.push_back(std::move(commit));
    return true;
  }

  bool full() {
    if (!is_full_) gap(Gap::Kind::limit);
    is_full_ = true;
    return false;
  }
  bool is_full() const noexcept { return is_full_; }
  History& history() noexcept { return out_; }

 private:
  bool has_room(std::uint64_t text_bytes) {
    bytes_ += kFixedBytes + text_bytes;
    return bytes_ <= limits_.result_bytes && !is_full_;
  }

  const WalkLimits& limits_;
  History out_;
  std::uint64_t bytes_ = 0;
  bool is_full_ = false;
};

/// The blobs below trees. A tree is looked into once, wherever it appears: trees that hold each other many times over
/// would otherwise name more paths than there are atoms.
class Trees {
 public:
  Trees(Objects& objects, const WalkLimits& limits, const std::function<void()>& beat, Results& results)
      : objects_{objects}, limits_{limits}, beat_{beat}, results_{results} {}

  /// What `tree` holds is not new.
  void mark_known(const Oid& tree) { walk(tree, nullptr); }

  bool is_known(const Oid& blob) const { return blobs_.contains(blob); }

  /// Takes what is new; `commit` is called once, before the first such blob, and gives its index.
  using CommitIndex = std::function<std::uint32_t()>;
  void collect(const Oid& tree, const CommitIndex& commit) { walk(tree, &commit); }

  /// A blob that a tag names.
  void collect_blob(const Oid& blob) {
    const CommitIndex none = [] { return Entry::kNoCommit; };
    note({kModeFile, "", blob}, "", &none);
  }

 private:
  struct Folder {
    Oid id;
    std::string bytes;
    std::size_t at = 0;  ///< bytes taken
    std::size_t path_bytes = 0;
  };

  void walk(const Oid& root, const CommitIndex* commit) {
    std::string path;
    std::vector<Folder> stack;
    enter(root, path, stack, commit);
    while (!stack.empty() && !results_.is_full()) {
      auto& folder = stack.back();
      path.resize(folder.path_bytes);
      TreeReader reader{std::string_view{folder.bytes}.substr(folder.at)};
      const auto entry = reader.next();
      if (!entry && commit != nullptr) results_.gap(Gap::Kind::damaged, folder.id);
      if (!entry || !*entry) {
        stack.pop_back();
        continue;
      }
      folder.at = folder.bytes.size() - reader.rest().size();
      const auto& found = **entry;
      if (found.name.size() + 1 > limits_.path_bytes - path.size()) {
        if (commit != nullptr) results_.gap(Gap::Kind::deep, found.id);
        continue;
      }
      path += found.name;
      if ((found.mode & kModeKind) != kModeFolder) {
        note(found, path, commit);
        continue;
      }
      path += '/';
      enter(found.id, path, stack, commit);
    }
  }

  void enter(const Oid& id, const std::string& path, std::vector<Folder>& stack, const CommitIndex* commit) {
    beat_();
    if (known_trees_.contains(id) || !(commit != nullptr ? trees_ : known_trees_).insert(id).second) return;
    auto object = objects_.read(id);
    if (object.state == State::present && object.type != Type::tree) object.state = State::damaged;
    if (object.state == State::present) return stack.push_back({id, std::move(object.bytes), 0, path.size()});
    if (commit != nullptr) results_.gap(object.state == State::missing ? Gap::Kind::missing : Gap::Kind::damaged, id);
  }

  void note(const TreeEntry& found, const std::string& path, const CommitIndex* commit) {
    const bool is_submodule = (found.mode & kModeKind) == kModeSubmodule;
    // An id under which a submodule was seen says nothing about a blob of that id.
    auto& seen = is_submodule ? submodules_ : blobs_;
    const auto next = static_cast<std::uint32_t>(results_.history().entries.size());
    const auto [place, is_first] = seen.try_emplace(found.id, commit == nullptr ? kKnown : next);
    if (!is_first) return count_path(place->second, path);
    if (commit == nullptr) return;
    beat_();
    Entry entry;
    entry.id = found.id;
    entry.mode = found.mode;
    entry.path = path;
    if (!is_submodule) {
      const auto header = objects_.header(found.id);
      entry.state = header.state == State::present && header.type != Type::blob ? State::damaged : header.state;
      entry.size = header.size;
    }
    entry.commit = (*commit)();
    results_.take(std::move(entry));
  }

  /// The same blob again. Hashes of paths are kept in a set whose speed no choice of paths can spoil.
  void count_path(std::uint32_t index, const std::string& path) {
    auto& entries = results_.history().entries;
    if (index >= entries.size() || entries[index].path == path || paths_.size() == kMostPaths) return;
    if (paths_.emplace(index, std::hash<std::string_view>{}(path)).second) ++entries[index].other_paths;
  }

  static constexpr std::uint32_t kKnown = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kMostPaths = 4'000'000;

  Objects& objects_;
  const WalkLimits& limits_;
  const std::function<void()>& beat_;
  Results& results_;
  std::unordered_set<Oid, OidHash> known_trees_, trees_;
  std::unordered_map<Oid, std::uint32_t, OidHash> blobs_, submodules_;  ///< to its entry, or kKnown
  std::set<std::pair<std::uint32_t, std::size_t>> paths_;
};

/// The commits of a range.
class Commits {
 public:
  struct Node {
    Oid id, tree;
    std::int64_t time = 0;
    std::vector<std::uint32_t> parents;
    bool excluded = false;
    bool loaded = false;  ///< looked up; `tree` and `parents` hold where it is also readable
    bool readable = false;
    bool queued = false;
  };

  Commits(Objects& objects, const Tips& tips, const WalkLimits& limits, const std::function<void()>& beat,
          Results& results)
      : objects_{objects}, tips_{tips}, limits_{limits}, beat_{beat}, results_{results} {}

  void add(const Oid& id, bool excluded) {
    const auto index = node(id);
    if (excluded) exclude(index);
    queue(index);
  }

  /// Newest first, until only excluded commits are left to look at, and those are too old to have a wanted one among
  /// their ancestors.
  void run() {
    while (!queue_.empty() && (wanted_ > 0 || queue_.top().first >= oldest_wanted_ - kClocksDiffer)) {
      if (nodes_.size() > limits_.commits) {
        results_.gap(Gap::Kind::limit);
        break;
      }
      const auto index = queue_.top().second;
      queue_.pop();
      nodes_[index].queued = false;
      if (!nodes_[index].excluded) --wanted_;
      for (const auto parent : nodes_[index].parents) {
        if (nodes_[index].excluded) exclude(parent);
        queue(parent);
      }
    }
  }

  /// Those that are wanted, oldest first: parents before children, and by time among those that may come.
  std::vector<std::uint32_t> in_order() const {
    std::vector<std::uint32_t> missing_parents(nodes_.size());
    std::vector<std::vector<std::uint32_t>> children(nodes_.size());
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (!is_wanted(i)) continue;
      for (const auto parent : nodes_[i].parents) {
        if (!is_wanted(parent)) continue;
        children[parent].push_back(i);
        ++missing_parents[i];
      }
    }
    using Ready = std::pair<std::int64_t, std::uint32_t>;
    std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i)
      if (is_wanted(i) && missing_parents[i] == 0) ready.emplace(nodes_[i].time, i);
    std::vector<std::uint32_t> out;
    while (!ready.empty()) {
      const auto index = ready.top().second;
      ready.pop();
      out.push_back(index);
      for (const auto child : children[index])
        if (--missing_parents[child] == 0) ready.emplace(nodes_[child].time, child);
    }
    return out;
  }

  /// Excluded commits right before wanted ones: what they hold is not new.
  std::vector<Oid> boundary_trees() const {
    std::set<std::uint32_t> boundary;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i)
      if (is_wanted(i))
        for (const auto parent : nodes_[i].parents)
          if (nodes_[parent].excluded && nodes_[parent].readable) boundary.insert(parent);
    std::vector<Oid> out;
    for (const auto index : boundary) out.push_back(nodes_[index].tree);
    return out;
  }

  const Node& operator[](std::uint32_t index) const { return nodes_[index]; }

 private:
  bool is_wanted(std::uint32_t index) const { return nodes_[index].readable && !nodes_[index].excluded; }

  std::uint32_t node(const Oid& id) {
    const auto [place, is_new] = indices_.try_emplace(id, static_cast<std::uint32_t>(nodes_.size()));
    if (is_new) nodes_.emplace_back().id = id;
    return place->second;
  }

  void queue(std::uint32_t index) {
    if (nodes_[index].loaded) return;
    load(index);
    nodes_[index].queued = true;
    if (!nodes_[index].excluded) {
      ++wanted_;
      oldest_wanted_ = std::min(oldest_wanted_, nodes_[index].time);
    }
    queue_.emplace(nodes_[index].time, index);
  }

  void load(std::uint32_t index) {
    beat_();
    nodes_[index].loaded = true;
    const auto id = nodes_[index].id;
    const auto object = objects_.read(id);
    const auto text = object.state == State::present && object.type == Type::commit
                          ? parse_commit(object.bytes)
                          : Result<CommitText>{fail(Errc::malformed, 0, "not a commit")};
    if (!text) {
      // On the excluded side nothing is lost: what lies behind it merely counts as new.
      if (!nodes_[index].excluded)
        results_.gap(object.state == State::missing ? Gap::Kind::missing : Gap::Kind::damaged, id);
      return;
    }
    const bool is_cut = tips_.shallow.contains(id);
    if (is_cut && !text->parents.empty() && !nodes_[index].excluded) results_.gap(Gap::Kind::shallow, id);
    std::vector<std::uint32_t> parents;
    if (!is_cut)
      for (const auto& parent : text->parents) parents.push_back(node(parent));
    auto& loaded = nodes_[index];  // only now: node() may have moved it
    loaded.readable = true;
    loaded.tree = text->tree;
    loaded.time = std::clamp(text->committer_time, -kLatest, kLatest);
    loaded.parents = std::move(parents);
  }

  void exclude(std::uint32_t first) {
    std::vector<std::uint32_t> stack{first};
    while (!stack.empty()) {
      const auto index = stack.back();
      stack.pop_back();
      auto& found = nodes_[index];
      if (found.excluded) continue;
      found.excluded = true;
      if (found.queued) --wanted_;
      stack.insert(stack.end(), found.parents.begin(), found.parents.end());
    }
  }

  Objects& objects_;
  const Tips& tips_;
  const WalkLimits& limits_;
  const std::function<void()>& beat_;
  Results& results_;
  std::vector<Node> nodes_;
  std::unordered_map<Oid, std::uint32_t, OidHash> indices_;
  std::priority_queue<std::pair<std::int64_t, std::uint32_t>> queue_;  ///< newest first
  std::uint64_t wanted_ = 0;                                           ///< queued and not excluded
  std::int64_t oldest_wanted_ = kLatest;
};

struct Peeled {
  Oid id;
  Type type = Type::other;
  State state = State::missing;
};

/// What a tag of tags ends at.
Peeled peel(Objects& objects, Oid id) {
  for (std::size_t i = 0; i < kTagsOfTags; ++i) {
    const auto header = objects.header(id);
    if (header.state != State::present || header.type != Type::tag) return {id, header.type, header.state};
    const auto object = objects.read(id);
    const auto tagged =
        object.state == State::present ? parse_tag(object.bytes) : Result<Tagged>{fail(Errc::malformed, 0, "no tag")};
    if (!tagged) return {id, Type::tag, State::damaged};
    id = tagged->target;
  }
  return {id, Type::tag, State::damaged};
}

Commit described(Objects& objects, const Oid& id) {
  Commit out;
  out.id = id;
  if (auto text = parse_commit(objects.read(id).bytes)) {
    out.author = std::move(text->author);
    out.time = text->author_time;
    out.summary = std::move(text->summary);
  }
  return out;
}

}  // namespace

History walk(Objects& objects, const Tips& tips, const WalkLimits& limits, const std::function<void()>& beat) {
  Results results{limits};
  Commits commits{objects, tips, limits, beat, results};
  Trees trees{objects, limits, beat, results};
  for (const auto& tip : tips.exclude) {
    const auto end = peel(objects, tip);
    if (end.type == Type::commit) commits.add(end.id, true);
    if (end.type == Type::tree) trees.mark_known(end.id);
    beat();
  }
  std::vector<Peeled> bare;  // trees and blobs that no commit has to hold
  for (const auto& tip : tips.include) {
    const auto end = peel(objects, tip);
    if (end.state != State::present || end.type == Type::tag || end.type == Type::other)
      results.gap(end.state == State::missing ? Gap::Kind::missing : Gap::Kind::damaged, end.id);
    else if (end.type == Type::commit) commits.add(end.id, false);
    else bare.push_back(end);
    beat();
  }
  commits.run();
  for (const auto& tree : commits.boundary_trees()) trees.mark_known(tree);

  for (const auto index : commits.in_order()) {
    ++results.history().walked;
    std::optional<std::uint32_t> place;
    trees.collect(commits[index].tree, [&] {
      if (!place) {
        place = static_cast<std::uint32_t>(results.history().commits.size());
        if (!results.take(described(objects, commits[index].id))) place = Entry::kNoCommit;
      }
      return *place;
    });
  }
  for (const auto& end : bare) {
    if (end.type == Type::blob) trees.collect_blob(end.id);
    else trees.collect(end.id, [] { return Entry::kNoCommit; });
  }
  return std::move(results.history());
}

History staged(Objects& objects, const std::vector<Staged>& index, const Oid* head, const WalkLimits& limits,
               const std::function<void()>& beat) {
  Results results{limits};
  Trees trees{objects, limits, beat, results};
  const auto commit = head != nullptr ? objects.read(*head) : Object{};
  if (commit.state == State::present && commit.type == Type::commit)
    if (const auto text = parse_commit(commit.bytes)) trees.mark_known(text->tree);
  for (const auto& file : index) {
    beat();
    Entry entry;
    entry.id = file.id;
    entry.mode = file.mode;
    entry.path = file.path;
    entry.is_new = !trees.is_known(file.id);
    if (!entry.is_submodule()) {
      const auto header = objects.header(file.id);
      entry.state = header.state == State::present && header.type != Type::blob ? State::damaged : header.state;
      entry.size = header.size;
    }
    if (!results.take(std::move(entry))) break;
  }
  return std::move(results.history());
}

}  // namespace assay::git
