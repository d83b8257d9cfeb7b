#include "format/pickle/heap.h"

#include <gtest/gtest.h>

#include <vector>

namespace assay::format::pickle {
namespace {

Value number(std::uint64_t n) { return {Tag::integer, 0, 0, 0, n}; }
Value text(std::uint8_t flags = 0) { return text_value(flags, 1, 0); }
const Value kSymbol{Tag::symbol, 0, 0, 0, 0};
const Value kNone{Tag::none, 0, 0, 0, 0};

std::vector<Value> numbers(std::size_t n) {
  std::vector<Value> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(number(i));
  return out;
}
Value tuple(Heap& heap, const std::vector<Value>& items) {
  return heap.make_items(Tag::tuple, items, heap.survey(items, Keys::none));
}
void add(Heap& heap, const Value& container, const std::vector<Value>& items, Keys keys = Keys::none) {
  (void)heap.extend(container, items, heap.survey(items, keys));
}
/// Writes over everything that was made before.
void forget(Heap& heap) {
  for (std::uint64_t i = 0; i <= Heap::kCells; i += 2) (void)heap.make_container(Tag::list);
}

TEST(Heap, ATupleKeepsItsItemsAndItsWeight) {
  Heap heap;
  const auto inner = tuple(heap, numbers(3));
  const auto outer = tuple(heap, {number(9), inner});
  EXPECT_EQ(heap.item(outer, 0)->at, 9u);
  EXPECT_EQ(heap.item(*heap.item(outer, 1), 2)->at, 2u);
  EXPECT_FALSE(heap.item(outer, 2));
  const auto load = heap.survey(std::vector{outer, number(1)}, Keys::none);
  EXPECT_EQ(load.weight.leaves, 5u);
  EXPECT_EQ(load.weight.depth, 3u);
}

TEST(Heap, OfALongTupleTheFirstItemsAreKept) {
  Heap heap;
  const auto v = tuple(heap, numbers(1000));
  EXPECT_EQ(v.len, 1000u);
  EXPECT_EQ(heap.kept(v)->count, Heap::kKeptTuple);
  EXPECT_EQ(heap.kept(v)->size, 1000u);
}

TEST(Heap, AListThatGrowsByOneKeepsSixteen) {
  Heap heap;
  const auto list = heap.make_container(Tag::list);
  for (std::uint64_t i = 0; i < 100; ++i) add(heap, list, {number(i)});
  EXPECT_EQ(heap.kept(list)->size, 100u);
  ASSERT_EQ(heap.kept(list)->count, Heap::kKeptItems);
  for (std::size_t i = 0; i < Heap::kKeptItems; ++i) EXPECT_EQ(heap.item(list, i)->at, i);
}

TEST(Heap, AContainerThatGrowsInUnevenStepsKeepsTheRightOnes) {
  for (const std::size_t first : {1u, 2u, 3u, 5u, 15u, 16u, 17u, 40u}) {
    Heap heap;
    const auto dict = heap.make_container(Tag::dict);
    auto items = numbers(2 * first);
    add(heap, dict, items, Keys::every_other_item);
    for (auto& v : items) v.at += 2 * first;
    add(heap, dict, items, Keys::every_other_item);
    const auto kept = heap.kept(dict);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->size, 4 * first);
    EXPECT_EQ(kept->count, std::min<std::size_t>(4 * first, 2 * Heap::kKeptPairs));
    for (std::size_t i = 0; i < kept->count; ++i) EXPECT_EQ(heap.item(dict, i)->at, i) << first;
  }
}

TEST(Heap, KeysAreMarked) {
  Heap heap;
  const auto marks = [&](const Value& key, const Value& value) {
    return heap.survey(std::vector{key, value}, Keys::every_other_item).marks;
  };
  EXPECT_EQ(marks(text(), text()), 0);
  EXPECT_EQ(marks(text(kDunder), text()), kSpecialKeys);
  EXPECT_EQ(marks(text(), text(kDunder)), 0);
  EXPECT_EQ(marks(text(), kSymbol), kNameValues | kHoldsObjects);
  EXPECT_EQ(marks(kSymbol, text()), kSpecialKeys | kHoldsObjects);
  EXPECT_EQ(marks(Value{}, kSymbol), kSpecialKeys | kNameValues | kHoldsObjects);
}

TEST(Heap, ContainersKnowWhetherAnythingInsideIsNoPlainValue) {
  Heap heap;
  const auto plain = tuple(heap, {number(1), text()});
  const auto holding = tuple(heap, {number(1), kSymbol});
  const auto list = heap.make_container(Tag::list);
  EXPECT_FALSE(heap.holds_objects(plain));
  EXPECT_TRUE(heap.holds_objects(holding));
  EXPECT_FALSE(heap.holds_objects(list));
  for (int i = 0; i < 100; ++i) add(heap, list, {number(1)});
  add(heap, list, {tuple(heap, {tuple(heap, {holding})})});  // far behind what is kept
  EXPECT_TRUE(heap.holds_objects(list));
  const auto dict = heap.make_container(Tag::dict);
  add(heap, dict, {text(kDunder), number(1)}, Keys::every_other_item);
  EXPECT_TRUE(heap.holds_objects(dict));
  EXPECT_TRUE(heap.holds_objects(tuple(heap, {dict})));
  forget(heap);
  EXPECT_TRUE(heap.holds_objects(plain));  // no longer known
}

TEST(Heap, OnlyKeysHaveToBeHashable) {
  Heap heap;
  const auto list = heap.make_container(Tag::list);
  const auto hashable = [&](const std::vector<Value>& items, Keys keys) { return heap.survey(items, keys).hashable; };
  EXPECT_TRUE(hashable({list, list}, Keys::none));
  EXPECT_TRUE(hashable({text(), list}, Keys::every_other_item));
  EXPECT_FALSE(hashable({list, text()}, Keys::every_other_item));
  EXPECT_FALSE(hashable({text(), list}, Keys::every_item));
  EXPECT_FALSE(hashable({tuple(heap, {number(1), list}), kNone}, Keys::every_other_item));
  EXPECT_FALSE(hashable({Value{Tag::bytes, kMutable, 0, 1, 0}, kNone}, Keys::every_other_item));
}

TEST(Heap, WhatWasWrittenOverIsUnknownAndNotEmpty) {
  Heap heap;
  const auto list = heap.make_container(Tag::list);
  add(heap, list, numbers(3));
  const auto node = heap.make_node(Tag::call, kSymbol, tuple(heap, {}));
  EXPECT_TRUE(heap.node(node, 1));
  forget(heap);
  EXPECT_FALSE(heap.kept(list));
  EXPECT_FALSE(heap.node(node, 0));
  EXPECT_FALSE(heap.extend(list, numbers(1), {}));
}

// It once kept nothing: "no cells yet" was taken for "cells long gone".
TEST(Heap, AContainerMadeAfterTheHeapWrappedKeepsItsItems) {
  Heap heap;
  forget(heap);
  const auto list = heap.make_container(Tag::list);
  add(heap, list, {number(7)});
  ASSERT_TRUE(heap.item(list, 0));
  EXPECT_EQ(heap.item(list, 0)->at, 7u);
}

TEST(Heap, ItemsThatCrossTheEndOfTheCellsAreWhole) {
  Heap heap;
  for (std::uint64_t left = Heap::kCells - 5; left > 3; left -= 2) (void)heap.make_container(Tag::list);
  const auto v = tuple(heap, numbers(20));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(heap.item(v, i)->at, i);
}

TEST(Heap, AStateBelongsToItsNode) {
  Heap heap;
  const auto node = heap.make_node(Tag::instance, kSymbol, tuple(heap, {}));
  EXPECT_EQ(node.len, 1u);  // its class is symbol 0
  heap.set_state(node, number(5));
  EXPECT_EQ(heap.node(node, 2)->at, 5u);
  EXPECT_FALSE(heap.node(number(1), 0));
}

TEST(Heap, WhoKeepsEverythingForgetsNothing) {
  Heap heap{Keep::everything};
  const auto list = heap.make_container(Tag::list);
  const auto first = tuple(heap, numbers(1000));
  for (std::uint64_t i = 0; i < 1000; ++i) add(heap, list, {number(i)});
  forget(heap);
  EXPECT_EQ(heap.kept(list)->count, 1000u);
  EXPECT_EQ(heap.kept(first)->count, 1000u);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(heap.item(list, i)->at, i);
    ASSERT_EQ(heap.item(first, i)->at, i);
  }
  EXPECT_FALSE(heap.is_full());
}

TEST(Heap, AnObjectIsFilledLikeADictAndLikeAList) {
  Heap heap{Keep::everything};
  const auto object = heap.make_node(Tag::call, kSymbol, tuple(heap, {}));
  EXPECT_FALSE(heap.filled(object, Tag::dict));
  for (std::uint64_t i = 0; i < 100; ++i) heap.fill(object, Tag::dict, std::vector{number(i), number(2 * i)});
  heap.fill(object, Tag::list, numbers(3));
  const auto dict = heap.filled(object, Tag::dict), list = heap.filled(object, Tag::list);
  ASSERT_TRUE(dict && list);
  EXPECT_EQ(heap.kept(*dict)->count, 200u);
  EXPECT_EQ(heap.item(*dict, 199)->at, 198u);
  EXPECT_EQ(heap.kept(*list)->count, 3u);
  Heap newest;
  const auto forgotten = newest.make_node(Tag::call, kSymbol, tuple(newest, {}));
  newest.fill(forgotten, Tag::dict, numbers(2));
  EXPECT_FALSE(newest.filled(forgotten, Tag::dict));
}

}  // namespace
}  // namespace assay::format::pickle
