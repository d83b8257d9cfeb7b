#include "scan/walk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace assay::scan {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

TEST(Walk, GlobsMatchAsPeopleExpect) {
  struct Case {
    const char *pattern, *path;
    bool matches;
  };
  for (const auto& c : std::initializer_list<Case>{{"*.pkl", "a.pkl", true},
                                                   {"*.pkl", "deep/down/a.pkl", true},  // no slash: the name anywhere
                                                   {"*.pkl", "a.pkl.txt", false},
                                                   {"a/*.pkl", "a/b.pkl", true},
                                                   {"a/*.pkl", "a/b/c.pkl", false},
                                                   {"a/*.pkl", "x/a/b.pkl", false},
                                                   {"a/**", "a/b/c.pkl", true},
                                                   {"a/**", "b/c.pkl", false},
                                                   {"**/x.pkl", "x.pkl", true},
                                                   {"**/x.pkl", "a/b/x.pkl", true},
                                                   {"**/x.pkl", "a/yx.pkl", false},
                                                   {"a/**/b.pkl", "a/b.pkl", true},
                                                   {"a/**/b.pkl", "a/x/y/b.pkl", true},
                                                   {"a/**/b.pkl", "a/x/yb.pkl", false},
                                                   {"**/a/*.py", "x/a/b/a/c.py", true},
                                                   {"**/a/*.py", "x/a/b/c.py", false},
                                                   {"a?c", "abc", true},
                                                   {"a?c", "a/c", false},
                                                   {"a?/c", "ab/c", true},
                                                   {"/a?c", "/a/c", false},
                                                   {"*", "anything/at/all", true},
                                                   {"**", "anything/at/all", true},
                                                   {"", "a", false},
                                                   {"", "", true},
                                                   {"*", "", true},
                                                   {"a*b*c", "aXbXbXc", true},
                                                   {"a*b*c", "aXbXbX", false},
                                                   {"/*/*", "/a/b", true},
                                                   {"/*/*", "/a/b/c", false},
                                                   {"[a]", "a", false},  // no classes: a bracket is a bracket
                                                   {"[a]", "[a]", true},
                                                   {"\xff*", "\xff\xfe", true}})
    EXPECT_EQ(glob_matches(c.pattern, c.path), c.matches) << c.pattern << " " << c.path;
}

// Patterns come from people, paths from attackers.
TEST(Walk, NoGlobTakesForEver) {
  std::string pattern, path(4000, 'a');
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", path));
  pattern.clear();
  for (int i = 0; i < 50; ++i) pattern += "**/";
  EXPECT_FALSE(glob_matches(pattern + "b", path + "/" + path));
}

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "assay-walk-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    root_ = base_ / "root";
    fs::create_directory(root_);
  }
  void TearDown() override {
    fs::permissions(root_, fs::perms::owner_all, fs::perm_options::add);
    fs::remove_all(base_);
  }
  void file(const fs::path& path, const std::string& content = "x") const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream{root_ / path} << content;
  }
  void link(const fs::path& at, const fs::path& to) const {
    fs::create_directories((root_ / at).parent_path());
    fs::create_symlink(to, root_ / at);
  }
  Listing listed(const Selection& selection = {}) const { return list({root_.string()}, selection); }

  /// "kind path", sorted as found.
  static Lines shown(const Listing& l) {
    static const char* const kinds[] = {"file", "stdin", "special", "unreadable", "escaping"};
    Lines out;
    for (const auto& f : l.found) out.push_back(std::string{kinds[static_cast<int>(f.kind)]} + " " + f.path);
    return out;
  }

  fs::path base_, root_;
};

TEST_F(Folder, FilesAreListedByPathWithTheirSizes) {
  file("b/c.bin", "12345");
  file("a.bin");
  file("b.bin");
  const auto l = listed();
  EXPECT_EQ(shown(l), (Lines{"file a.bin", "file b.bin", "file b/c.bin"}));
  EXPECT_EQ(l.found[2].size, 5u);
  EXPECT_EQ(l.open_path(l.found[2]), (root_ / "b/c.bin").string());
  EXPECT_EQ(shown(list({root_.string()}, {}, Sizes::not_asked)), shown(l));
}

TEST_F(Folder, ASingleFileHasItsNameAndAnEmptyFolderHasNothing) {
  EXPECT_TRUE(listed().found.empty());
  file("deep/a.bin");
  EXPECT_EQ(shown(list({(root_ / "deep/a.bin").string()}, {})), Lines{"file a.bin"});
}

TEST_F(Folder, WhatIsMissingIsSaid) {
  const auto l = list({(root_ / "nothing").string()}, {});
  ASSERT_EQ(l.found.size(), 1u);
  EXPECT_EQ(l.found[0].kind, Found::Kind::unreadable);
  EXPECT_FALSE(l.found[0].what.empty());
}

TEST_F(Folder, StandardInputIsOne) { EXPECT_EQ(shown(list({"-"}, {})), Lines{"stdin (standard input)"}); }

TEST_F(Folder, SelectionsLeaveOutAndCount) {
  for (const auto* name : {"a.pkl", "b.txt", "sub/c.pkl", "sub/d.txt"}) file(name);
  const auto l = listed({{"*.pkl"}, {"sub/*"}});
  EXPECT_EQ(shown(l), Lines{"file a.pkl"});
  EXPECT_EQ(l.excluded, 3u);
}

TEST_F(Folder, NamesAreRawBytes) {
  const std::string names[] = {"new\nline", "not\xff utf8", "\x1b[2J"};
  for (const auto& name : names) file(name);
  EXPECT_EQ(listed().found.size(), 3u);
  for (const auto& f : listed().found)
    EXPECT_NE(std::find(std::begin(names), std::end(names), f.path), std::end(names));
}

TEST_F(Folder, ALinkInsideIsARelationAndItsTargetIsExaminedOnce) {
  file("real.bin");
  link("link.bin", "real.bin");
  const auto l = listed();
  EXPECT_EQ(shown(l), Lines{"file real.bin"});
  ASSERT_EQ(l.links.size(), 1u);
  EXPECT_EQ(l.links[0].from, "link.bin");
  EXPECT_EQ(l.links[0].to, "real.bin");
}

// A repository that links to /etc/passwd must not make a scanner read and report it.
TEST_F(Folder, ALinkThatLeavesIsNotFollowed) {
  std::ofstream{base_ / "secret"} << "x";
  link("absolute", base_ / "secret");
  link("relative", "../secret");
  link("folder", "..");
  link("etc", "/etc/passwd");
  EXPECT_EQ(shown(listed()), (Lines{"escaping absolute", "escaping etc", "escaping folder", "escaping relative"}));
}

TEST_F(Folder, AFolderWhoseNameOnlyBeginsAlikeIsOutside) {
  fs::create_directory(base_ / "root-evil");
  std::ofstream{base_ / "root-evil/x"} << "x";
  link("x", "../root-evil/x");
  EXPECT_EQ(shown(listed()), Lines{"escaping x"});
}

TEST_F(Folder, LoopsEnd) {
  fs::create_directory(root_ / "a");
  link("a/self", "../a");
  link("me", "me");
  link("nowhere", "gone");
  file("a/x.bin");
  EXPECT_EQ(shown(listed()), (Lines{"file a/x.bin", "unreadable me", "unreadable nowhere"}));
}

TEST_F(Folder, FifosAreNotOpened) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(shown(listed()), Lines{"special pipe"});
  EXPECT_EQ(shown(list({(root_ / "pipe").string()}, {})), Lines{"special pipe"});
}

TEST_F(Folder, WhatMayNotBeListedIsSaid) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may list everything";
  file("closed/a.bin");
  fs::permissions(root_ / "closed", fs::perms::none);
  EXPECT_EQ(shown(listed()), Lines{"unreadable closed"});
  fs::permissions(root_ / "closed", fs::perms::owner_all);
}

TEST_F(Folder, FoldersNestedBeyondReasonAreSaid) {
  fs::path deep;
  for (int i = 0; i < 300; ++i) deep /= "d";
  file(deep / "x.bin");
  const auto l = listed();
  ASSERT_EQ(l.found.size(), 1u);
  EXPECT_EQ(l.found[0].kind, Found::Kind::unreadable);
}

// models--org--name/snapshots/<revision>/model.bin -> ../../blobs/<digest>
TEST_F(Folder, ASnapshotOfTheHubsCacheIsExaminedUnderTheNamesThatUsersKnow) {
  file("models--org--name/blobs/abc", "12345");
  link("models--org--name/snapshots/rev/model.bin", "../../blobs/abc");
  const auto l = list({(root_ / "models--org--name/snapshots/rev").string()}, {});
  EXPECT_EQ(shown(l), Lines{"file model.bin"});
  EXPECT_EQ(l.found[0].size, 5u);
  EXPECT_EQ(l.links.size(), 1u);
}

TEST_F(Folder, SoIsAllOfTheCacheAndEveryPartOfIt) {
  const fs::path repository = "hub/models--org--name";
  file(repository / "blobs/abc");
  file(repository / "blobs/def");
  file(repository / "blobs/nobody");
  file(repository / "refs/main");
  link(repository / "snapshots/1/model.bin", "../../blobs/abc");
  link(repository / "snapshots/1/sub/args.bin", "../../../blobs/def");
  link(repository / "snapshots/2/model.bin", "../../blobs/abc");
  link(repository / "snapshots/2/args.bin", "../1/sub/args.bin");
  const Lines names{"snapshots/1/model.bin", "snapshots/1/sub/args.bin", "snapshots/2/args.bin",
                    "snapshots/2/model.bin"};
  const auto below = [](const std::string& folder, Lines paths) {
    for (auto& path : paths) path = "file " + folder + path;
    return paths;
  };
  auto all = names;
  all.insert(all.begin(), {"blobs/nobody", "refs/main"});
  for (const auto sizes : {Sizes::asked, Sizes::not_asked}) {
    const auto shown_in = [&](const fs::path& part) { return shown(list({(root_ / part).string()}, {}, sizes)); };
    EXPECT_EQ(shown_in("."), below("hub/models--org--name/", all));
    EXPECT_EQ(shown_in("hub"), below("models--org--name/", all));
    EXPECT_EQ(shown_in(repository), below("", all));
    EXPECT_EQ(shown_in(repository / "snapshots"),
              (Lines{"file 1/model.bin", "file 1/sub/args.bin", "file 2/args.bin", "file 2/model.bin"}));
    EXPECT_EQ(shown_in(repository / "snapshots/1/sub"), Lines{"file args.bin"});
    EXPECT_EQ(shown_in(repository / "blobs"), (Lines{"file abc", "file def", "file nobody"}));
  }
  EXPECT_EQ(listed().links.size(), 4u);
}

TEST_F(Folder, ABlobIsOpenedWhereItLies) {
  file("models--org--name/blobs/abc", "12345");
  link("models--org--name/snapshots/1/model.bin", "../../blobs/abc");
  const auto l = listed();
  ASSERT_EQ(l.found.size(), 1u);
  EXPECT_EQ(l.open_path(l.found[0]), fs::canonical(root_ / "models--org--name/blobs/abc").string());
  EXPECT_EQ(l.found[0].size, 5u);
}

TEST_F(Folder, ABlobWhoseNamesAreLeftOutIsLeftOut) {
  file("models--org--name/blobs/abc");
  link("models--org--name/snapshots/1/model.bin", "../../blobs/abc");
  const auto l = listed({{}, {"*.bin"}});
  EXPECT_TRUE(l.found.empty());
  EXPECT_EQ(l.excluded, 1u);
}

// In a tree that somebody else made, too, a link reaches no further than its repository.
TEST_F(Folder, ALinkOutOfACachedRepositoryIsNotFollowed) {
  std::ofstream{base_ / "secret"} << "x";
  link("models--org--name/blobs/abc", base_ / "secret");
  link("models--org--name/snapshots/1/a.bin", "../../blobs/abc");
  link("models--org--name/snapshots/1/b.bin", "../../../../secret");
  const Lines escaping{"escaping models--org--name/blobs/abc", "escaping models--org--name/snapshots/1/a.bin",
                       "escaping models--org--name/snapshots/1/b.bin"};
  EXPECT_EQ(shown(listed()), escaping);
}

TEST_F(Folder, ASnapshotMayNotLeaveItsRepository) {
  file("models--org--other/blobs/abc");
  link("models--org--name/snapshots/rev/model.bin", "../../../models--org--other/blobs/abc");
  EXPECT_EQ(shown(list({(root_ / "models--org--name/snapshots/rev").string()}, {})), Lines{"escaping model.bin"});
}

// Anybody can name a folder "snapshots".
TEST_F(Folder, AFolderThatOnlyLooksLikeACacheIsNone) {
  file("blobs/abc");
  link("snapshots/rev/model.bin", "../../blobs/abc");
  EXPECT_EQ(shown(list({(root_ / "snapshots/rev").string()}, {})), Lines{"escaping model.bin"});
}

TEST_F(Folder, AFolderNamedTwiceIsVisitedOnce) {
  file("a.bin");
  EXPECT_EQ(list({root_.string(), root_.string()}, {}).found.size(), 1u);
}

}  // namespace
}  // namespace assay::scan
