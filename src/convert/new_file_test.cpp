#include "convert/new_file.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <functional>

#include "convert/sample.h"

namespace assay::convert {
namespace {

using Names = std::vector<std::string>;

TEST(NewFile, HasNoNameUntilItIsComplete) {
  const Folder folder;
  auto file = written_file(folder.at("a"), "new");
  ASSERT_TRUE(file) << file.error();
  EXPECT_EQ(folder.names(), Names{});
  EXPECT_TRUE(file->commit(Existing::stays));
  EXPECT_EQ(folder.names(), Names{"a"});
  EXPECT_EQ(folder.read("a"), "new");
}

TEST(NewFile, LeavesNothingWhereItIsGivenUp) {
  const Folder folder;
  { const auto file = written_file(folder.at("a"), "new"); }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(NewFile, ReplacesOnlyWhereItMay) {
  const Folder folder;
  folder.write("a", "old");
  auto first = written_file(folder.at("a"), "first");
  const auto refused = first->commit(Existing::stays);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "File exists");
  EXPECT_EQ(folder.read("a"), "old");
  {
    auto second = written_file(folder.at("a"), "second");
    EXPECT_TRUE(second->commit(Existing::can_come_back));
    EXPECT_EQ(folder.read("a"), "second");
  }
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(NewFile, MayReplaceWhereNothingIs) {
  const Folder folder;
  { EXPECT_TRUE(written_file(folder.at("a"), "new")->commit(Existing::can_come_back)); }
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(NewFile, CanBeTakenBack) {
  const Folder folder;
  folder.write("a", "old");
  auto replacing = written_file(folder.at("a"), "new"), fresh = written_file(folder.at("b"), "new");
  ASSERT_TRUE(replacing->commit(Existing::can_come_back));
  ASSERT_TRUE(fresh->commit(Existing::stays));
  EXPECT_TRUE(replacing->undo());
  EXPECT_TRUE(fresh->undo());
  EXPECT_EQ(folder.read("a"), "old");
  EXPECT_EQ(folder.names(), Names{"a"});
}

TEST(NewFile, DoesNotTakeBackWhatItReplacedForGood) {
  const Folder folder;
  folder.write("a", "old");
  auto file = written_file(folder.at("a"), "new");
  ASSERT_TRUE(file->commit(Existing::goes));
  EXPECT_EQ(folder.names(), Names{"a"});
  EXPECT_EQ(file->undo().error(), "what it replaced is gone");
  EXPECT_EQ(folder.read("a"), "new");
}

TEST(NewFile, ReplacesTheLinkAndNotWhatItLeadsTo) {
  const Folder folder;
  folder.write("blob", "old");
  ASSERT_EQ(::symlink("blob", folder.at("a").c_str()), 0);
  { ASSERT_TRUE(written_file(folder.at("a"), "new")->commit(Existing::can_come_back)); }
  EXPECT_EQ(folder.read("a"), "new");
  EXPECT_EQ(folder.read("blob"), "old");
}

TEST(NewFile, TakesNoPlaceOfAFolderADeviceOrAPipe) {
  const Folder folder;
  ASSERT_EQ(::mkfifo(folder.at("pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("/dev/null", folder.at("link").c_str()), 0);
  ASSERT_EQ(::mkdir(folder.at("folder").c_str(), 0700), 0);
  for (const auto* name : {"pipe", "link", "folder"}) {
    const auto file = NewFile::create(folder.at(name));
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error(), "it is no regular file");
  }
}

TEST(NewFile, SaysWhyThereIsNone) {
  const Folder folder;
  EXPECT_EQ(NewFile::create(folder.at("nowhere/a")).error(), "No such file or directory");
  EXPECT_FALSE(NewFile::create("/proc/a"));
}

TEST(NewFile, HonoursUmask) {
  const Folder folder;
  const auto before = ::umask(027);
  for (const auto existing : {Existing::stays, Existing::goes}) {
    ASSERT_TRUE(written_file(folder.at("a"), "new")->commit(existing));
    struct stat s {};
    ASSERT_EQ(::stat(folder.at("a").c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777, 0640u);
  }
  ::umask(before);
}

TEST(NewFile, TakesNamesAsLongAsTheyMayBe) {
  const Folder folder;
  const std::string name(255, 'n');
  for (const auto existing : {Existing::stays, Existing::goes}) {
    ASSERT_TRUE(written_file(folder.at(name), "new")->commit(existing));
    EXPECT_EQ(folder.names(), Names{name});
  }
  EXPECT_FALSE(written_file(folder.at(name + "n"), "new")->commit(Existing::stays));
}

// Their hidden names would be the same, were they made of the names alone: what one replaced would be lost by the
// other.
TEST(NewFile, LongNamesThatBeginAlikeKeepApart) {
  const Folder folder;
  const std::string a = std::string(240, 'n') + "1", b = std::string(240, 'n') + "2";
  folder.write(a, "old a");
  folder.write(b, "old b");
  {
    auto first = written_file(folder.at(a), "new"), second = written_file(folder.at(b), "new");
    ASSERT_TRUE(first->commit(Existing::can_come_back));
    ASSERT_TRUE(second->commit(Existing::can_come_back));
    EXPECT_TRUE(second->undo());
    EXPECT_TRUE(first->undo());
  }
  EXPECT_EQ(folder.read(a), "old a");
  EXPECT_EQ(folder.read(b), "old b");
  EXPECT_EQ(folder.names(), (Names{a, b}));
}

/// From here on this process lives on a file system whose files all have names, and that knows no flags of rename.
void live_on_an_old_file_system() {
  const auto offset_of_argument = [](std::uint32_t n) {
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + 8 * n);
  };
  std::array<sock_filter, 10> code = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset_of_argument(2)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 3, 5),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset_of_argument(4)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/// Runs `body` there; the process that did it ends.
void on_an_old_file_system(const std::function<void(const Folder&)>& body) {
  EXPECT_EXIT(
      {
        {
          live_on_an_old_file_system();
          const Folder folder;
          body(folder);
        }
        std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(NewFileOnAnOldFileSystem, IsHiddenUntilItIsComplete) {
  on_an_old_file_system([](const Folder& folder) {
    {
      const auto file = written_file(folder.at("a"), "new");
      ASSERT_TRUE(file) << file.error();
      ASSERT_EQ(folder.names().size(), 1u);
      EXPECT_TRUE(folder.names().front().starts_with(".a.assay-")) << folder.names().front();
    }
    EXPECT_EQ(folder.names(), Names{});
    { ASSERT_TRUE(written_file(folder.at("a"), "old")->commit(Existing::stays)); }
    EXPECT_EQ(folder.names(), Names{"a"});
  });
}

TEST(NewFileOnAnOldFileSystem, ReplacesOnlyWhereItMay) {
  on_an_old_file_system([](const Folder& folder) {
    folder.write("a", "old");
    EXPECT_EQ(written_file(folder.at("a"), "new")->commit(Existing::stays).error(), "File exists");
    EXPECT_EQ(folder.read("a"), "old");
    { EXPECT_TRUE(written_file(folder.at("a"), "new")->commit(Existing::can_come_back)); }
    EXPECT_EQ(folder.read("a"), "new");
    EXPECT_EQ(folder.names(), Names{"a"});
  });
}

TEST(NewFileOnAnOldFileSystem, SaysWhatCannotBeTakenBack) {
  on_an_old_file_system([](const Folder& folder) {
    folder.write("a", "old");
    auto replacing = written_file(folder.at("a"), "new"), fresh = written_file(folder.at("b"), "new");
    ASSERT_TRUE(replacing->commit(Existing::can_come_back));
    ASSERT_TRUE(fresh->commit(Existing::stays));
    EXPECT_TRUE(fresh->undo());
    EXPECT_EQ(replacing->undo().error(), "what it replaced is gone");
    EXPECT_EQ(folder.names(), Names{"a"});
  });
}

TEST(NewFileOnAnOldFileSystem, HonoursUmask) {
  on_an_old_file_system([](const Folder& folder) {
    ::umask(027);
    ASSERT_TRUE(written_file(folder.at("a"), "new")->commit(Existing::stays));
    struct stat s {};
    ASSERT_EQ(::stat(folder.at("a").c_str(), &s), 0);
    EXPECT_EQ(s.st_mode & 07777, 0640u);
  });
}

TEST(NewFolders, GoUnlessTheyAreKept) {
  const Folder folder;
  ASSERT_EQ(::mkdir(folder.at("old").c_str(), 0700), 0);
  {
    NewFolders folders;
    folders.make_for(folder.at("old/new/newer/a"));
    EXPECT_TRUE(is_folder(folder.at("old/new/newer")));
    EXPECT_FALSE(exists(folder.at("old/new/newer/a")));
  }
  EXPECT_FALSE(exists(folder.at("old/new")));
  EXPECT_TRUE(is_folder(folder.at("old")));
  {
    NewFolders folders;
    folders.make_for(folder.at("old/new/newer/a"));
    folders.keep();
  }
  EXPECT_TRUE(is_folder(folder.at("old/new/newer")));
}

}  // namespace
}  // namespace assay::convert
