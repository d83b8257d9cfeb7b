#include "format/pickle/python2.h"

#include <gtest/gtest.h>

namespace assay::format::pickle {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

TEST(Python2, MapsModulesThatWereRenamed) {
  EXPECT_EQ(from_python2("__builtin__", "eval"), (Pair{"builtins", "eval"}));
  EXPECT_EQ(from_python2("commands", "getoutput"), (Pair{"subprocess", "getoutput"}));
  EXPECT_EQ(from_python2("copy_reg", "_reconstructor"), (Pair{"copyreg", "_reconstructor"}));
  EXPECT_EQ(from_python2("cPickle", "loads"), (Pair{"pickle", "loads"}));
  EXPECT_EQ(from_python2("httplib", "HTTPConnection"), (Pair{"http.client", "HTTPConnection"}));
  EXPECT_EQ(from_python2("test.test_support", "run"), (Pair{"test.support", "run"}));
}

TEST(Python2, MapsNamesThatMoved) {
  EXPECT_EQ(from_python2("__builtin__", "reduce"), (Pair{"functools", "reduce"}));
  EXPECT_EQ(from_python2("__builtin__", "unicode"), (Pair{"builtins", "str"}));
  EXPECT_EQ(from_python2("__builtin__", "xrange"), (Pair{"builtins", "range"}));
  EXPECT_EQ(from_python2("urllib", "urlopen"), (Pair{"urllib.request", "urlopen"}));
  EXPECT_EQ(from_python2("os", "popen2"), from_python2("os", "popen2"));
  EXPECT_EQ(from_python2("itertools", "imap"), (Pair{"builtins", "map"}));
}

TEST(Python2, LeavesEverythingElseAlone) {
  EXPECT_EQ(from_python2("os", "system"), (Pair{"os", "system"}));
  EXPECT_EQ(from_python2("", ""), (Pair{"", ""}));
  EXPECT_EQ(from_python2("__builtin__.x", "eval"), (Pair{"__builtin__.x", "eval"}));
  EXPECT_EQ(from_python2("zzzz", "q"), (Pair{"zzzz", "q"}));
}

}  // namespace
}  // namespace assay::format::pickle
