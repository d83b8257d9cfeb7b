#include "git/repository.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bytes/digest.h"
#include "bytes/view.h"
#include "git/sample.h"

namespace assay::git {
namespace {

using namespace std::chrono_literals;
using sample::Repo;

Repository open_at(const std::string& path, const Environment& environment = {}) {
  auto where = locate(path, environment);
  if (!where) {
    ADD_FAILURE() << where.error().what;
    std::abort();
  }
  auto repository = Repository::open(std::move(*where), {}, sandbox::Tier::confined);
  if (!repository) {
    ADD_FAILURE() << repository.error().what;
    std::abort();
  }
  return std::move(*repository);
}

Range head() {
  Range range;
  range.include = {"HEAD"};
  return range;
}

Answer read(Repository& repository, const Oid& blob, int file = -1) {
  repository.ask(7, blob, file);
  std::vector<Answer> answers;
  while (repository.asked() > 0) repository.wait(1s, answers);
  EXPECT_EQ(answers.size(), 1u);
  return answers.at(0);
}

std::string content(int file) {
  std::string out(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)), '\0');
  EXPECT_EQ(::pread(file, out.data(), out.size(), 0), static_cast<ssize_t>(out.size()));
  return out;
}

struct Lent {
  int file = ::memfd_create("lent", MFD_CLOEXEC);
  ~Lent() { ::close(file); }
};

TEST(Repository, TellsHistoryAndBlobsLooseAndPacked) {
  for (const bool packed : {false, true}) {
    const Repo repo;
    const auto small = repo.blob("small");
    const std::string large_bytes(3'000'000, 'x');
    const auto large = repo.blob(large_bytes);
    const auto commit = repo.commit(repo.tree({{"large", large}, {"small", small}}));
    repo.refer("refs/heads/main", commit);
    repo.folder().write("HEAD", "ref: refs/heads/main\n");
    if (packed) {
      repo.pack({commit});
      for (const auto& id : {small, large, commit}) repo.remove(repo.loose(id));
    }
    auto repository = open_at(repo.path());
    const auto history = repository.list(head());
    ASSERT_TRUE(history) << history.error().what;
    ASSERT_EQ(history->entries.size(), 2u);
    EXPECT_EQ(history->entries[0].size, large_bytes.size());
    EXPECT_EQ(history->commits.at(0).author.name, "A U Thor");
    const auto answer = read(repository, small);
    EXPECT_EQ(answer.state, State::present);
    EXPECT_EQ(answer.bytes, "small");
    EXPECT_EQ(answer.sha256, bytes::sha256(bytes::view("small")));
    const Lent lent;
    EXPECT_EQ(read(repository, large, lent.file).state, State::present);
    EXPECT_EQ(content(lent.file), large_bytes);
  }
}

TEST(Repository, ResolvesWhatPeopleWrite) {
  const Repo repo;
  const auto one = repo.commit(repo.tree({{"f", repo.blob("1")}}), {}, 1);
  const auto two = repo.commit(repo.tree({{"f", repo.blob("2")}}), {one}, 2);
  repo.refer("refs/heads/main", two);
  repo.refer("refs/tags/v1", one);
  auto repository = open_at(repo.path());
  const auto walked = [&](std::vector<std::string> include, std::vector<std::string> exclude = {}) {
    Range range;
    range.include = std::move(include);
    range.exclude = std::move(exclude);
    const auto history = repository.list(range);
    return history ? static_cast<int>(history->walked) : -1;
  };
  EXPECT_EQ(walked({"main"}), 2);
  EXPECT_EQ(walked({"main~1"}), 1);
  EXPECT_EQ(walked({two.hex().substr(0, 8)}), 2);
  EXPECT_EQ(walked({"refs/heads/main"}, {"v1"}), 1);
  EXPECT_EQ(walked({"nothing of the kind"}), -1);
  EXPECT_EQ(walked({"main"}, {"--upload-pack=x"}), -1);
}

TEST(Repository, ABranchWhoseCommitIsDamagedIsNamedAndItsCommitTold) {
  const Repo repo;
  const auto commit = repo.commit(repo.tree({{"f", repo.blob("f")}}));
  repo.refer("refs/heads/main", commit);
  repo.folder().write(repo.loose(commit), "damaged");
  Range range;
  range.include = {"main"};
  const auto history = open_at(repo.path()).list(range);
  ASSERT_TRUE(history) << history.error().what;
  ASSERT_EQ(history->gaps.size(), 1u);
  EXPECT_EQ(history->gaps[0].kind, Gap::Kind::damaged);
}

TEST(Repository, TakesAllReferencesAndSaysWhichLeadNowhere) {
  const Repo repo;
  repo.refer("refs/heads/a", repo.commit(repo.tree({{"a", repo.blob("a")}})));
  repo.refer("refs/notes/b", repo.commit(repo.tree({{"b", repo.blob("b")}})));
  repo.folder().write("packed-refs", "# pack-refs with: peeled fully-peeled sorted \n" +
                                         repo.commit(repo.tree({{"c", repo.blob("c")}})).hex() + " refs/tags/c\n");
  repo.folder().write("refs/remotes/origin/HEAD", "ref: refs/remotes/origin/absent\n");
  repo.folder().write("refs/heads/circle", "ref: refs/heads/circle\n");
  repo.refer("refs/heads/gone", *Oid::from_hex("0123456789abcdef0123456789abcdef01234567"));
  Range range;
  range.all = true;
  const auto history = open_at(repo.path()).list(range);
  ASSERT_TRUE(history) << history.error().what;
  EXPECT_EQ(history->entries.size(), 3u);
  EXPECT_EQ(history->gaps.size(), 2u);
}

TEST(Repository, AnEmptyOneHasAnEmptyHistory) {
  const Repo repo;
  for (const bool all : {false, true}) {
    auto range = head();
    range.all = all;
    const auto history = open_at(repo.path()).list(range);
    ASSERT_TRUE(history) << history.error().what;
    EXPECT_TRUE(history->entries.empty());
    EXPECT_TRUE(history->gaps.empty());
  }
}

TEST(Repository, ReadsThroughAlternatesAndQuarantine) {
  const Repo other, repo;
  const auto far = other.commit(other.tree({{"f", other.blob("far")}}));
  repo.folder().write("objects/info/alternates", other.path() + "/objects\n");
  Range range;
  range.include = {far.hex()};
  EXPECT_EQ(open_at(repo.path()).list(range)->entries.size(), 1u);

  const Repo pushed;
  range.include = {pushed.commit(pushed.tree({{"f", pushed.blob("pushed")}})).hex()};
  EXPECT_EQ(open_at(repo.path()).list(range)->gaps.size(), 1u);
  Environment environment;
  environment.objects = pushed.path() + "/objects";
  environment.alternate_objects = repo.path() + "/objects";
  EXPECT_EQ(open_at(repo.path(), environment).list(range)->entries.size(), 1u);
}

TEST(Repository, ScansOnlyWhatNoReferenceReaches) {
  const Repo repo;
  const auto old = repo.commit(repo.tree({{"f", repo.blob("old")}}), {}, 1);
  const auto pushed = repo.commit(repo.tree({{"f", repo.blob("pushed")}}), {old}, 2);
  repo.refer("refs/heads/main", old);
  Range range;
  range.include = {pushed.hex()};
  range.beyond_refs = true;
  const auto history = open_at(repo.path()).list(range);
  ASSERT_TRUE(history);
  EXPECT_EQ(history->walked, 1u);
  EXPECT_EQ(history->entries.size(), 1u);
}

TEST(Repository, OthersGoOnWhereOneObjectIsDamaged) {
  const Repo repo;
  const auto bad = repo.blob("bad"), liar = repo.blob("liar"), good = repo.blob("good");
  const auto commit = repo.commit(repo.tree({{"bad", bad}, {"good", good}, {"liar", liar}}));
  repo.folder().write(repo.loose(bad), "this is no zlib stream");
  std::filesystem::copy_file(repo.path() + "/" + repo.loose(good), repo.path() + "/" + repo.loose(liar),
                             std::filesystem::copy_options::overwrite_existing);
  auto repository = open_at(repo.path());
  Range range;
  range.include = {commit.hex()};
  const auto history = repository.list(range);
  ASSERT_TRUE(history);
  EXPECT_EQ(history->entries.size(), 3u);
  EXPECT_EQ(read(repository, bad).state, State::damaged);
  EXPECT_EQ(read(repository, good).state, State::present);
  EXPECT_EQ(read(repository, liar).state, State::damaged);
  const Lent lent;
  EXPECT_EQ(read(repository, liar, lent.file).state, State::damaged);
  EXPECT_EQ(read(repository, commit).state, State::damaged) << "not a blob";
  EXPECT_EQ(read(repository, *Oid::from_hex(std::string(40, '1'))).state, State::missing);
}

TEST(Repository, DamagedPacksAreAnswersToo) {
  const Repo repo;
  const auto blob = repo.blob("packed away");
  const auto commit = repo.commit(repo.tree({{"f", blob}}));
  repo.pack({commit});
  for (const auto& id : {blob, commit}) repo.remove(repo.loose(id));
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator{repo.path() + "/objects/pack"})
    files.push_back(file.path());
  ASSERT_EQ(files.size(), 2u);
  for (const auto& file : files) {
    std::ifstream in{file, std::ios::binary};
    const std::string whole{std::istreambuf_iterator<char>{in}, {}};
    for (std::size_t at = 0; at < whole.size(); at += 3) {
      auto bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ 0xff);
      std::filesystem::remove(file);
      std::ofstream{file, std::ios::binary} << bytes;
      if (at % 30 != 0) continue;
      auto repository = open_at(repo.path());
      Range range;
      range.include = {commit.hex()};
      const auto history = repository.list(range);
      const auto answer = read(repository, blob);
      if (answer.state == State::present) {
        EXPECT_EQ(answer.bytes, "packed away");
      }
      EXPECT_TRUE(!history || history->gaps.size() + history->entries.size() > 0);
    }
    std::filesystem::remove(file);
    std::ofstream{file, std::ios::binary} << whole;
  }
}

TEST(Repository, TellsWhatIsStaged) {
  const Repo repo{false};
  git_index* index = nullptr;
  git_repository_index(&index, repo.handle());
  repo.folder().write("dir/new file", "staged content");
  ASSERT_EQ(git_index_add_bypath(index, "dir/new file"), 0);
  ASSERT_EQ(git_index_write(index), 0);
  git_index_free(index);
  repo.folder().write("dir/new file", "not staged");
  auto repository = open_at(repo.path());
  Range range;
  range.staged = true;
  const auto history = repository.list(range);
  ASSERT_TRUE(history) << history.error().what;
  ASSERT_EQ(history->entries.size(), 1u);
  EXPECT_EQ(history->entries[0].path, "dir/new file");
  EXPECT_TRUE(history->entries[0].is_new);
  EXPECT_EQ(read(repository, history->entries[0].id).bytes, "staged content");
  repo.folder().write(".git/index", "DIRC but damaged");
  EXPECT_EQ(open_at(repo.path()).list(range).error().what, "the index of staged files cannot be read");
}

TEST(Repository, IgnoresConfigurationThatNamesOtherFiles) {
  const Repo repo;
  repo.folder().write("config", "[include]\n\tpath = /etc/passwd\n[core]\n\trepositoryformatversion = 99\n[broken\n");
  repo.refer("refs/heads/main", repo.commit(repo.tree({{"f", repo.blob("f")}})));
  Range range;
  range.include = {"main"};
  EXPECT_TRUE(open_at(repo.path()).list(range));
}

TEST(Repository, ReadsManyBlobsAtOnce) {
  const Repo repo;
  std::vector<Oid> blobs;
  for (int i = 0; i < 500; ++i) blobs.push_back(repo.blob("blob " + std::to_string(i)));
  auto repository = open_at(repo.path());
  for (std::size_t i = 0; i < blobs.size(); ++i) repository.ask(i, blobs[i], -1);
  std::vector<Answer> answers;
  while (repository.asked() > 0) repository.wait(1s, answers);
  ASSERT_EQ(answers.size(), blobs.size());
  for (const auto& answer : answers) EXPECT_EQ(answer.bytes, "blob " + std::to_string(answer.id));
}

}  // namespace
}  // namespace assay::git
