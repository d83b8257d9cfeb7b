#include "scan/user_rules.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "malware/yara/scanner.h"

namespace assay::scan {
namespace {

namespace fs = std::filesystem;

class UserRulesTest : public testing::Test {
 protected:
  UserRulesTest() : folder_{fs::temp_directory_path() / ("assay-rules-" + std::to_string(::getpid()))} {
    fs::create_directories(folder_);
  }
  ~UserRulesTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream{path} << text;
    return path;
  }
  static auto compiled(const std::string& path, const CompileLimits& limits = {}) {
    return compile_user_rules(path, true, limits);
  }

  fs::path folder_;
};

std::string joined(const Complaints& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

TEST_F(UserRulesTest, AFolderIsReadToItsGround) {
  write("a.yar", "rule a { condition: true }");
  write("deep/er/b.yara", "rule b { condition: true }");
  write("notes.txt", "no rule");
  const auto rules = compiled(folder_);
  ASSERT_TRUE(rules.has_value()) << joined(rules.error());
  EXPECT_EQ(rules->count, 2u);
  EXPECT_EQ(rules->version.size(), 16u);
  EXPECT_TRUE(malware::yara::Scanner::open(bytes::view(rules->compiled)).has_value());
}

TEST_F(UserRulesTest, AFileMayHaveAnyName) {
  EXPECT_TRUE(compiled(write("rules.txt", "rule a { condition: true }")).has_value());
}

TEST_F(UserRulesTest, TheVersionFollowsTheText) {
  const auto one = compiled(write("a.yar", "rule a { condition: true }"));
  const auto other = compiled(write("a.yar", "rule a { condition: false }"));
  ASSERT_TRUE(one && other);
  EXPECT_NE(one->version, other->version);
}

TEST_F(UserRulesTest, ErrorsNameFileAndLine) {
  const auto path = write("bad.yar", "rule a {\n  condition: nothing_of_that_name\n}");
  const auto rules = compiled(path);
  ASSERT_FALSE(rules.has_value());
  EXPECT_EQ(rules.error().size(), 1u);
  EXPECT_TRUE(rules.error()[0].starts_with(path + ":2: ")) << rules.error()[0];
}

TEST_F(UserRulesTest, WhatCannotBeReadIsSaid) {
  EXPECT_NE(joined(compiled(folder_ / "absent").error()).find("No such file"), std::string::npos);
  EXPECT_NE(joined(compiled(folder_).error()).find("no file here ends in"), std::string::npos);
  EXPECT_NE(joined(compiled(write("empty.yar", "// none\n")).error()).find("no rule here"), std::string::npos);
  const auto pipe = folder_ / "pipe.yar";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_NE(joined(compiled(pipe).error()).find("not a regular file"), std::string::npos);
}

TEST_F(UserRulesTest, LimitsAreSaid) {
  write("a.yar", "rule a { condition: true }");
  write("b.yar", "rule b { condition: true }");
  CompileLimits limits;
  limits.files = 1;
  EXPECT_NE(joined(compiled(folder_, limits).error()).find("more than 1 rule files"), std::string::npos);
  limits = {};
  limits.text_bytes = 30;
  EXPECT_NE(joined(compiled(folder_, limits).error()).find("larger than"), std::string::npos);
}

// Rules that keep the compiler busy for longer than anybody waits.
TEST_F(UserRulesTest, ACompilerThatTakesTooLongIsStopped) {
  std::string text;
  for (int i = 0; i < 60'000; ++i)
    text += "rule r" + std::to_string(i) + " { strings: $a = /[a-z]{1,200}x" + std::to_string(i) +
            "[a-z]{1,200}/ condition: $a }\n";
  CompileLimits limits;
  limits.time = std::chrono::milliseconds{300};
  const auto before = std::chrono::steady_clock::now();
  const auto rules = compiled(write("slow.yar", text), limits);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds{20});
  ASSERT_FALSE(rules.has_value());
  EXPECT_NE(joined(rules.error()).find("seconds"), std::string::npos) << joined(rules.error());
}

#ifndef ASSAY_SANITIZED  // a sanitized process has no limit of address space

TEST_F(UserRulesTest, ACompilerThatTakesTooMuchMemoryIsStopped) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += "rule r" + std::to_string(i) + " { strings: $a = \"" + std::string(1000, 'x') + std::to_string(i) +
            "\" condition: $a }\n";
  CompileLimits limits;
  limits.memory_bytes = 48 << 20;
  const auto rules = compiled(write("large.yar", text), limits);
  EXPECT_FALSE(rules.has_value());
  EXPECT_TRUE(compiled(folder_ / "large.yar").has_value());
}

#endif

}  // namespace
}  // namespace assay::scan
