#include "format/torch/storage.h"

#include <gtest/gtest.h>

namespace assay::format::torch {
namespace {

TEST(Storage, EveryClassHasTheSizeOfItsDtype) {
  for (const auto* name :
       {"DoubleStorage", "FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "IntStorage", "ShortStorage",
        "CharStorage", "ByteStorage", "BoolStorage", "ComplexDoubleStorage", "ComplexFloatStorage", "QInt8Storage",
        "QUInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage"}) {
    ASSERT_TRUE(storage_element_bytes(name)) << name;
    EXPECT_EQ(storage_element_bytes(name), dtype_bytes(storage_dtype(name))) << name;
  }
}

TEST(Storage, TheUntypedOneCountsBytes) {
  EXPECT_EQ(storage_element_bytes("UntypedStorage"), 1u);
  EXPECT_EQ(storage_dtype("UntypedStorage"), "");
}

TEST(Storage, UnknownNamesAreUnknown) {
  for (const auto* name : {"", "Storage", "floatstorage", "FloatStorage ", "XStorage"}) {
    EXPECT_FALSE(storage_element_bytes(name)) << name;
    EXPECT_EQ(storage_dtype(name), "") << name;
  }
  EXPECT_FALSE(dtype_bytes("float12"));
}

TEST(Storage, DtypesHaveTheirSizes) {
  EXPECT_EQ(dtype_bytes("bfloat16"), 2u);
  EXPECT_EQ(dtype_bytes("float8_e4m3fn"), 1u);
  EXPECT_EQ(dtype_bytes("complex128"), 16u);
  EXPECT_EQ(dtype_bytes("float"), dtype_bytes("float32"));
  EXPECT_EQ(dtype_bytes("uint16"), 2u);
}

}  // namespace
}  // namespace assay::format::torch
