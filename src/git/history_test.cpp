#include "git/history.h"

#include <gtest/gtest.h>

#include <map>

#include "bytes/digest.h"
#include "git/wire.h"

namespace assay::git {
namespace {

/// Objects in memory. An id may be given to bytes that do not have it.
class Memory final : public Objects {
 public:
  Header header(const Oid& id) override {
    const auto found = objects_.find(id.hex());
    if (found == objects_.end()) return {};
    return {found->second.state, found->second.type, found->second.bytes.size()};
  }
  Object read(const Oid& id) override {
    ++reads;
    const auto found = objects_.find(id.hex());
    return found == objects_.end() ? Object{} : found->second;
  }

  Oid put(Type type, std::string bytes) {
    bytes::Sha1 hash;
    hash.update(bytes::view(std::to_string(static_cast<int>(type)) + bytes));
    const auto id = *Oid::from_hex(hash.finish());
    objects_[id.hex()] = {State::present, type, std::move(bytes)};
    return id;
  }
  Oid blob(std::string bytes) { return put(Type::blob, std::move(bytes)); }
  struct File {
    std::string name;
    Oid id;
    std::string mode = "100644";
  };
  Oid tree(const std::vector<File>& files) {
    std::string bytes;
    for (const auto& file : files) bytes += file.mode + ' ' + file.name + '\0' + std::string{file.id.raw()};
    return put(Type::tree, std::move(bytes));
  }
  Oid commit(const Oid& tree, const std::vector<Oid>& parents = {}, std::int64_t time = 100) {
    std::string bytes = "tree " + tree.hex() + '\n';
    for (const auto& parent : parents) bytes += "parent " + parent.hex() + '\n';
    const auto when = std::to_string(time) + " +0000\n";
    return put(Type::commit, bytes + "author A <a@b> " + when + "committer A <a@b> " + when + "\nWhy\n");
  }
  /// One file "f" of this content.
  Oid commit_of(const std::string& content, const std::vector<Oid>& parents = {}, std::int64_t time = 100) {
    return commit(tree({{"f", blob(content)}}), parents, time);
  }
  void forget(const Oid& id) { objects_.erase(id.hex()); }
  void damage(const Oid& id) { objects_[id.hex()].state = State::damaged; }

  std::size_t reads = 0;

 private:
  std::map<std::string, Object> objects_;
};

class Walk : public testing::Test {
 protected:
  History from(std::vector<Oid> include, std::vector<Oid> exclude = {}) {
    auto history = walk(objects, {std::move(include), std::move(exclude), shallow}, limits, [this] { ++beats; });
    const auto back = decode_history(bytes::view(encode(history)));
    EXPECT_TRUE(back && *back == history);
    return history;
  }
  static std::string paths(const History& history) {
    std::string out;
    for (const auto& entry : history.entries) out += entry.path + " ";
    return out;
  }
  static std::vector<Gap::Kind> gaps(const History& history) {
    std::vector<Gap::Kind> out;
    for (const auto& gap : history.gaps) out.push_back(gap.kind);
    return out;
  }

  Memory objects;
  WalkLimits limits;
  std::unordered_set<Oid, OidHash> shallow;
  std::size_t beats = 0;
};

TEST_F(Walk, TellsEachBlobOnceWithTheCommitThatBroughtIt) {
  const auto one = objects.commit_of("one", {}, 1);
  const auto two = objects.commit_of("two", {one}, 2);
  const auto back = objects.commit_of("one", {two}, 3);
  const auto history = from({back});
  EXPECT_EQ(history.walked, 3u);
  ASSERT_EQ(history.entries.size(), 2u);
  ASSERT_EQ(history.commits.size(), 2u);
  EXPECT_EQ(history.commits[0].id, one);
  EXPECT_EQ(history.commits[1].id, two);
  EXPECT_EQ(history.commits[0].author.email, "a@b");
  EXPECT_EQ(history.commits[0].summary, "Why");
  EXPECT_EQ(history.entries[1].commit, 1u);
  EXPECT_EQ(history.entries[1].size, 3u);
  EXPECT_TRUE(history.gaps.empty());
}

TEST_F(Walk, GoesIntoFoldersAndNamesWholePaths) {
  const auto inner = objects.tree({{"x", objects.blob("x")}, {"y", objects.blob("y")}});
  const auto outer = objects.tree({{"b", inner, "40000"}, {"c", objects.blob("c")}});
  EXPECT_EQ(paths(from({objects.commit(objects.tree({{"a", outer, "40000"}, {"z", objects.blob("z")}}))})),
            "a/b/x a/b/y a/c z ");
}

TEST_F(Walk, CountsOtherPathsOfTheSameBlob) {
  const auto same = objects.blob("same");
  const auto history = from({objects.commit(objects.tree({{"a", same}, {"b", same}, {"c", same}, {"b", same}}))});
  ASSERT_EQ(history.entries.size(), 1u);
  EXPECT_EQ(history.entries[0].other_paths, 2u);
}

TEST_F(Walk, LeavesOutWhatTheExcludedSideHolds) {
  const auto kept = objects.blob("kept");
  const auto old = objects.commit(objects.tree({{"kept", kept}}), {}, 1);
  const auto fresh = objects.commit(objects.tree({{"kept", kept}, {"new", objects.blob("new")}}), {old}, 2);
  const auto history = from({fresh}, {old});
  EXPECT_EQ(history.walked, 1u);
  EXPECT_EQ(paths(history), "new ");
  EXPECT_EQ(paths(from({old}, {fresh})), "");
  EXPECT_EQ(paths(from({old}, {old})), "");
}

TEST_F(Walk, KnowsBothSidesOfAMerge) {
  const auto base = objects.commit_of("base", {}, 1);
  const auto left = objects.commit_of("left", {base}, 2);
  const auto right = objects.commit_of("right", {base}, 3);
  const auto merge = objects.commit_of("merged", {left, right}, 4);
  EXPECT_EQ(from({merge}).walked, 4u);
  EXPECT_EQ(from({merge}, {left}).walked, 2u);
  EXPECT_EQ(from({merge}, {left}).entries.size(), 2u);
  EXPECT_EQ(from({merge}, {left, right}).walked, 1u);
}

TEST_F(Walk, IsNotFooledByClocksThatLie) {
  const auto old = objects.commit_of("old", {}, 1'000'000);
  const auto excluded = objects.commit_of("excluded", {old}, 5);
  const auto fresh = objects.commit_of("fresh", {excluded}, -7);
  EXPECT_EQ(from({fresh}, {excluded}).walked, 1u);
  const auto future = objects.commit_of("future", {excluded}, 9'000'000'000);
  EXPECT_EQ(from({future}, {excluded}).walked, 1u);
  EXPECT_EQ(from({fresh, future}).walked, 4u);
}

TEST_F(Walk, KnowsWhatIsExcludedWhereAllCommitsAreOfOneSecond) {
  std::vector<Oid> chain{objects.commit_of("0")};
  for (int i = 1; i < 100; ++i) chain.push_back(objects.commit_of(std::to_string(i), {chain.back()}));
  const auto side = objects.commit_of("side", {chain[50]});
  EXPECT_EQ(from({side}, {chain[99]}).walked, 1u);
  EXPECT_EQ(from({chain[99]}, {side}).walked, 49u);
}

TEST_F(Walk, LooksOnlyAsFarBackAsItMust) {
  std::vector<Oid> chain{objects.commit_of("0", {}, 0)};
  for (int i = 1; i < 1000; ++i) chain.push_back(objects.commit_of(std::to_string(i), {chain.back()}, i * 100'000));
  objects.reads = 0;
  EXPECT_EQ(from({chain[999]}, {chain[998]}).walked, 1u);
  EXPECT_LT(objects.reads, 20u);
}

TEST_F(Walk, OrdersParentsBeforeChildrenWhateverTheirTimes) {
  const auto first = objects.commit_of("first", {}, 50);
  const auto second = objects.commit_of("second", {first}, 20);
  const auto third = objects.commit_of("third", {second}, 70);
  const auto history = from({third});
  ASSERT_EQ(history.commits.size(), 3u);
  EXPECT_EQ(history.commits[0].id, first);
  EXPECT_EQ(history.commits[2].id, third);
}

TEST_F(Walk, NamesSubmodulesAndDoesNotFollowThem) {
  const auto elsewhere = objects.blob("in another repository");
  const auto history = from({objects.commit(objects.tree({{"sub", elsewhere, "160000"}, {"file", elsewhere}}))});
  ASSERT_EQ(history.entries.size(), 2u);
  EXPECT_TRUE(history.entries[0].is_submodule());
  // An id that was met as a submodule must not hide the blob of that id.
  EXPECT_EQ(history.entries[1].state, State::present);
  EXPECT_EQ(history.entries[1].path, "file");
}

TEST_F(Walk, SaysWhichObjectsAreNotThere) {
  const auto gone = objects.blob("gone");
  const auto gone_tree = objects.tree({{"x", gone}});
  const auto commit = objects.commit(objects.tree({{"a", gone}, {"d", gone_tree, "40000"}, {"z", objects.blob("z")}}));
  objects.forget(gone);
  objects.forget(gone_tree);
  const auto history = from({commit});
  ASSERT_EQ(history.entries.size(), 2u);
  EXPECT_EQ(history.entries[0].state, State::missing);
  EXPECT_EQ(history.entries[1].state, State::present);
  EXPECT_EQ(gaps(history), std::vector{Gap::Kind::missing});
  EXPECT_EQ(history.gaps[0].id, gone_tree);
}

TEST_F(Walk, SaysWhichObjectsAreDamagedAndGoesOn) {
  const auto bad = objects.blob("bad"), bad_tree = objects.put(Type::tree, "no entry at all");
  const auto not_a_tree = objects.blob("I am no tree");
  const auto not_a_blob = objects.tree({});
  const auto commit = objects.commit(objects.tree(
      {{"a", bad}, {"d", bad_tree, "40000"}, {"e", not_a_tree, "40000"}, {"f", not_a_blob}, {"z", objects.blob("z")}}));
  objects.damage(bad);
  const auto history = from({commit});
  ASSERT_EQ(history.entries.size(), 3u);
  EXPECT_EQ(history.entries[0].state, State::damaged);
  EXPECT_EQ(history.entries[1].state, State::damaged);
  EXPECT_EQ(history.entries[2].state, State::present);
  EXPECT_EQ(gaps(history), (std::vector{Gap::Kind::damaged, Gap::Kind::damaged}));
}

TEST_F(Walk, SaysWhereHistoryEnds) {
  const auto old = objects.commit_of("old");
  const auto cut = objects.commit_of("cut", {old}, 200);
  const auto tip = objects.commit_of("tip", {cut}, 300);
  objects.forget(old);
  EXPECT_EQ(gaps(from({tip})), std::vector{Gap::Kind::missing});
  shallow.insert(cut);
  const auto history = from({tip});
  EXPECT_EQ(gaps(history), std::vector{Gap::Kind::shallow});
  EXPECT_EQ(history.walked, 2u);
}

TEST_F(Walk, FollowsTagsToWhateverTheyName) {
  const auto tag = [&](const Oid& id, const std::string& type) {
    return objects.put(Type::tag, "object " + id.hex() + "\ntype " + type + "\ntag t\n\nx\n");
  };
  const auto commit = objects.commit_of("in a commit");
  const auto blob = objects.blob("alone");
  const auto tree = objects.tree({{"in a tree", objects.blob("tree")}});
  const auto history = from({tag(tag(commit, "commit"), "tag"), tag(blob, "blob"), tag(tree, "tree")});
  EXPECT_EQ(paths(history), "f  in a tree ");
  EXPECT_EQ(history.entries[1].commit, Entry::kNoCommit);
  EXPECT_TRUE(history.gaps.empty());
}

TEST_F(Walk, GivesUpOnTagsOfTagsOfTags) {
  auto id = objects.commit_of("x");
  for (int i = 0; i < 100; ++i)
    id = objects.put(Type::tag, "object " + id.hex() + "\ntype tag\ntag t\n\n" + std::to_string(i));
  EXPECT_EQ(gaps(from({id})), std::vector{Gap::Kind::damaged});
}

TEST_F(Walk, TakesATreeThatHoldsItselfManyTimesOverInItsStride) {
  auto tree = objects.tree({{"f", objects.blob("payload")}});
  for (int i = 0; i < 40; ++i) {
    std::vector<Memory::File> same;
    for (int k = 0; k < 10; ++k) same.push_back({std::to_string(k), tree, "40000"});
    tree = objects.tree(same);
  }
  const auto history = from({objects.commit(tree)});
  EXPECT_EQ(history.entries.size(), 1u);
  EXPECT_LT(objects.reads, 100u);
}

TEST_F(Walk, SaysWhichFoldersAreTooDeep) {
  auto tree = objects.tree({{"f", objects.blob("deep")}});
  for (int i = 0; i < 3000; ++i) tree = objects.tree({{"d", tree, "40000"}});
  const auto history = from({objects.commit(tree)});
  EXPECT_TRUE(history.entries.empty());
  EXPECT_EQ(gaps(history), std::vector{Gap::Kind::deep});
}

TEST_F(Walk, EndsWhereTreesPointAtEachOther) {
  // Impossible with honest ids, and so only as long as nobody finds a cycle in SHA-1.
  std::string bytes = "40000 again";
  const auto id = objects.put(Type::tree, "placeholder");
  const auto self = "40000 again" + std::string(1, '\0') + std::string{id.raw()};
  class Cycle final : public Objects {
   public:
    explicit Cycle(std::string bytes) : bytes_{std::move(bytes)} {}
    Header header(const Oid&) override { return {State::present, Type::tree, bytes_.size()}; }
    Object read(const Oid&) override { return {State::present, Type::tree, bytes_}; }

   private:
    std::string bytes_;
  } cycle{self};
  const auto history = walk(cycle, {{id}, {}, {}}, limits, [] {});
  EXPECT_TRUE(history.entries.empty());
}

TEST_F(Walk, NamesItsLimits) {
  std::vector<Memory::File> many;
  for (int i = 0; i < 100; ++i) many.push_back({std::to_string(i), objects.blob(std::to_string(i))});
  const auto commit = objects.commit(objects.tree(many));
  limits.entries = 10;
  EXPECT_EQ(from({commit}).entries.size(), 10u);
  EXPECT_EQ(gaps(from({commit})), std::vector{Gap::Kind::limit});
  limits = {};
  limits.result_bytes = 1000;
  EXPECT_LT(from({commit}).entries.size(), 11u);
  EXPECT_EQ(gaps(from({commit})), std::vector{Gap::Kind::limit});
  limits = {};
  limits.commits = 2;
  auto tip = commit;
  for (int i = 0; i < 10; ++i) tip = objects.commit_of("c" + std::to_string(i), {tip}, 200 + i);
  const auto history = from({tip});
  EXPECT_EQ(gaps(history), std::vector{Gap::Kind::limit});
  EXPECT_GE(history.walked, 2u);
  EXPECT_LT(history.walked, 6u);
}

TEST_F(Walk, CountsTheGapsThatItDoesNotTell) {
  std::vector<Oid> gone;
  for (int i = 0; i < 1500; ++i) {
    gone.push_back(objects.commit_of(std::to_string(i)));
    objects.forget(gone.back());
  }
  const auto history = from(gone);
  EXPECT_EQ(history.gaps.size(), kMostGaps);
  EXPECT_EQ(history.more_gaps, 500u);
}

TEST_F(Walk, GivesSignsOfLife) {
  from({objects.commit_of("x")});
  EXPECT_GE(beats, 3u);
}

TEST_F(Walk, TellsOfStagedFilesWhetherTheyAreNew) {
  const auto kept = objects.blob("kept"), fresh = objects.blob("fresh"), gone = objects.blob("gone");
  objects.forget(gone);
  const auto head = objects.commit(objects.tree({{"d", objects.tree({{"kept", kept}}), "40000"}}));
  const std::vector<Staged> index{{"d/kept", 0100644, kept},
                                  {"fresh", 0100644, fresh},
                                  {"copy", 0100644, fresh},
                                  {"gone", 0100644, gone},
                                  {"sub", 0160000, fresh}};
  const auto history = staged(objects, index, &head, limits, [] {});
  ASSERT_EQ(history.entries.size(), 5u);
  EXPECT_FALSE(history.entries[0].is_new);
  for (std::size_t i = 1; i < 5; ++i) EXPECT_TRUE(history.entries[i].is_new);
  EXPECT_EQ(history.entries[2].path, "copy");
  EXPECT_EQ(history.entries[3].state, State::missing);
  EXPECT_TRUE(staged(objects, index, nullptr, limits, [] {}).entries[0].is_new);
}

}  // namespace
}  // namespace assay::git
