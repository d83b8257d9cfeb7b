#include "git/location.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "git/sample.h"

namespace assay::git {
namespace {

using sample::Folder;
using sample::Repo;

std::string real(const std::string& path) { return std::filesystem::canonical(path); }

TEST(Location, FindsABareRepositoryAWorkingTreeAndItsGitFolder) {
  const Repo bare, tree{false};
  EXPECT_EQ(locate(bare.path())->git_dir, real(bare.path()));
  EXPECT_EQ(locate(tree.path())->git_dir, real(tree.path()) + "/.git");
  EXPECT_EQ(locate(tree.path() + "/.git")->git_dir, real(tree.path()) + "/.git");
}

TEST(Location, FollowsTheFileOfAWorktree) {
  const Repo main{false};
  const Folder linked;
  main.folder().write(".git/worktrees/w/HEAD", "ref: refs/heads/w\n");
  main.folder().write(".git/worktrees/w/commondir", "../..\n");
  linked.write(".git", "gitdir: " + main.path() + "/.git/worktrees/w\n");
  const auto where = locate(linked.path());
  ASSERT_TRUE(where);
  EXPECT_EQ(where->git_dir, real(main.path()) + "/.git/worktrees/w");
  EXPECT_EQ(where->common_dir, real(main.path()) + "/.git");
  EXPECT_EQ(where->objects.at(0), real(main.path()) + "/.git/objects");
}

TEST(Location, SaysInWordsWhatItDoesNotRead) {
  const Folder empty;
  EXPECT_EQ(locate(empty.path()).error().what, "not a git repository");
  EXPECT_FALSE(locate(empty.path() + "/absent"));
  for (const auto* config : {"[core]\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n",
                             "[Extensions] OBJECTFORMAT=\"SHA256\"\n", "[ extensions ]\nobjectformat = sha256"}) {
    const Repo repo;
    repo.folder().write("config", config);
    ASSERT_FALSE(locate(repo.path())) << config;
    EXPECT_NE(locate(repo.path()).error().what.find("SHA-256"), std::string_view::npos);
  }
  const Repo repo;
  repo.folder().write("config", "[extensions]\nrefStorage = reftable\n");
  EXPECT_NE(locate(repo.path()).error().what.find("reftable"), std::string_view::npos);
  repo.folder().write("config", "[extensions]\nobjectformat = sha1\n[other]\nobjectformat = sha256\n");
  EXPECT_TRUE(locate(repo.path()));
}

TEST(Location, FollowsAlternatesThatHoldObjects) {
  const Repo other, repo;
  const Folder no_objects;
  repo.folder().write("objects/info/alternates",
                      "# comment\n" + other.path() + "/objects\n" + no_objects.path() + "\n/etc\n\n/nowhere\n");
  EXPECT_EQ(locate(repo.path())->objects,
            (std::vector{real(repo.path()) + "/objects", real(other.path()) + "/objects"}));
}

TEST(Location, EndsWhereAlternatesGoInCirclesOrTooDeep) {
  const Repo a, b;
  a.folder().write("objects/info/alternates", b.path() + "/objects\n");
  b.folder().write("objects/info/alternates", a.path() + "/objects\n");
  EXPECT_EQ(locate(a.path())->objects.size(), 2u);
  std::vector<std::unique_ptr<Repo>> chain;
  for (int i = 0; i < 10; ++i) {
    chain.push_back(std::make_unique<Repo>());
    if (i > 0) chain[i]->folder().write("objects/info/alternates", chain[i - 1]->path() + "/objects\n");
  }
  EXPECT_EQ(locate(chain.back()->path())->objects.size(), kDeepestAlternate + 1);
}

TEST(Location, TakesTheQuarantineFromTheEnvironment) {
  const Repo repo;
  repo.folder().write("objects/tmp_objdir-incoming-1/pack/x", "");
  Environment environment;
  environment.objects = repo.path() + "/objects/tmp_objdir-incoming-1";
  environment.alternate_objects = repo.path() + "/objects:/nowhere:";
  const auto where = locate(repo.path(), environment);
  ASSERT_TRUE(where);
  EXPECT_EQ(where->objects, (std::vector{real(environment.objects), real(repo.path()) + "/objects"}));
}

TEST(Location, TakesFolderAndIndexFromTheEnvironment) {
  const Repo repo{false};
  repo.folder().write(".git/next-index", "x");
  const auto where = locate("/nowhere", {repo.path() + "/.git", "", "", repo.path() + "/.git/next-index"});
  ASSERT_TRUE(where);
  EXPECT_EQ(where->index, real(repo.path()) + "/.git/next-index");
  const auto readable = where->readable();
  EXPECT_NE(std::find(readable.begin(), readable.end(), where->index), readable.end());
}

}  // namespace
}  // namespace assay::git
