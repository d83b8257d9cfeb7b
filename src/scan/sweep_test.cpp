#include "scan/sweep.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "scan/far_source.h"

namespace assay::scan {
namespace {

using bytes::Extent;

/// Writes down what it is shown.
struct Listener final : LiteralEngine {
  Listener() : LiteralEngine{"listener", "more than is kept"} {}
  void begin(const Extent& extent) override { told += "[" + std::to_string(extent.begin) + " "; }
  void take(bytes::View piece, const literals::Places& ending_in_it) override {
    heard += bytes::text(piece);
    for (const auto& place : ending_in_it.keywords) told += "keyword@" + std::to_string(place.end) + " ";
  }
  void see_nothing(std::string_view why) override { leave_out(why); }
  bool end(bool came) override {
    told += came ? "] " : "... ";
    if (found_at) keep({}, *found_at);
    return !wants_no_more;
  }
  /// The document that it writes.
  format::Document answer() {
    format::Document out;
    finish(out);
    return out;
  }

  bool wants_no_more = false;
  std::optional<std::uint64_t> found_at;
  std::string told, heard;
};

struct Shown {
  format::Document document{};
  bytes::Budget budget{bytes::Limits{}, 1 << 20};

  void to(const std::vector<LiteralEngine*>& engines, const bytes::Source& source, const std::vector<Extent>& own) {
    const std::vector<Extent> none;
    const OwnBytes bytes{0, source, own, none, document, budget};
    Sweep{}.over(bytes, own, engines);
  }
};

// What both extents hold together is no keyword in either.
const std::string kText = "password|passXXword|password";
const std::vector<Extent> kOwn{{0, 13}, {15, 28}};

TEST(Sweep, ShowsEachExtentToAllEnginesAsAStreamOfItsOwn) {
  for (const bool far : {false, true}) {
    Listener one, other;
    const bytes::MemorySource near{bytes::view(kText)};
    Shown{}.to({&one, &other}, far ? static_cast<const bytes::Source&>(FarSource{kText}) : near, kOwn);
    EXPECT_EQ(one.told, "[0 keyword@8 ] [15 keyword@13 ] ");
    EXPECT_EQ(one.heard, "password|password|password");
    EXPECT_EQ(other.told, one.told);
    const auto run = one.answer().engines.at(0);
    EXPECT_EQ(run.engine, "listener");
    EXPECT_TRUE(run.complete);
  }
}

TEST(Sweep, AnEngineThatHasEnoughIsShownNoOtherExtent) {
  Listener one, other;
  one.wants_no_more = true;
  Shown{}.to({&one, &other}, bytes::MemorySource{bytes::view(kText)}, kOwn);
  EXPECT_EQ(one.told, "[0 keyword@8 ] ");
  EXPECT_EQ(other.told, "[0 keyword@8 ] [15 keyword@13 ] ");
}

TEST(Sweep, WhatCannotBeReadIsSaidAndWhatWasShownCounts) {
  Listener one;
  Shown{}.to({&one}, FarSource{kText, 10}, {{0, 28}});
  EXPECT_EQ(one.told, "[0 keyword@8 ... ");
  EXPECT_EQ(one.heard, kText.substr(0, 10));
  const auto run = one.answer().engines.at(0);
  EXPECT_FALSE(run.complete);
  EXPECT_EQ(run.what, "some of the bytes could not be read");
}

TEST(Sweep, StopsWhenTheTimeIsOver) {
  Listener one;
  Shown shown;
  bytes::Limits limits;
  limits.seconds = 0;
  shown.budget = bytes::Budget{limits, 1};
  shown.to({&one}, bytes::MemorySource{bytes::view(kText)}, {{0, 28}});
  EXPECT_EQ(one.told, "[0 ... ");
  EXPECT_EQ(one.answer().engines.at(0).what, "limit reached: seconds");
}

TEST(LiteralEngine, KeepsAPlaceWithItsLineAndItsName) {
  const std::string text = "one\ntwo\nthree";
  Listener one;
  one.found_at = 8;
  Shown{}.to({&one}, bytes::MemorySource{bytes::view(text)}, {{0, text.size()}});
  const auto found = one.answer().observations.at(0);
  EXPECT_EQ(found.engine, "listener");
  EXPECT_EQ(found.place.offset, 8u);
  EXPECT_EQ(found.line, 3u);
}

TEST(LiteralEngine, SaysWhereItHasNoRoom) {
  Listener one;
  one.found_at = 0;
  Shown shown;
  bytes::Limits limits;
  limits.facts = 0;
  shown.budget = bytes::Budget{limits, 1};
  shown.to({&one}, bytes::MemorySource{bytes::view(kText)}, {{0, 28}});
  const auto answer = one.answer();
  EXPECT_TRUE(answer.observations.empty());
  EXPECT_EQ(answer.engines.at(0).what, "more than is kept");
}

TEST(LiteralEngine, StartsAnew) {
  Listener one;
  one.found_at = 0;
  Shown{}.to({&one}, FarSource{kText, 10}, {{0, 28}});
  one.forget();
  const auto answer = one.answer();
  EXPECT_TRUE(answer.observations.empty());
  EXPECT_TRUE(answer.engines.at(0).complete);
}

}  // namespace
}  // namespace assay::scan
