#include "convert/unit.h"

#include "convert/claims.h"
#include "convert/sample.h"

namespace assay::convert {
namespace {

using format::Document;
using Names = std::vector<std::string>;

Document file(std::string path, std::vector<std::string> formats) {
  Document out;
  out.path = std::move(path);
  out.members.emplace_back();
  out.members.front().formats.assign(formats.begin(), formats.end());
  return out;
}

Document index_file(std::string path, const Names& shards) {
  auto out = file(std::move(path), {"json"});
  for (const auto& shard : shards) {
    format::Reference reference;
    reference.kind = "shard";
    reference.target = shard;
    out.references.push_back(reference);
  }
  return out;
}

TEST(Units, AreFilesThatMayHoldTensors) {
  const auto all = units({file("README.md", {"text"}), file("a.pt", {"zip", "torch-zip"}),
                          file("b.safetensors", {"safetensors"}), file("x/c.npz", {"zip"})},
                         "m/", false);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].sources, Names{"m/a.pt"});
  EXPECT_EQ(all[0].products, Names{"m/a.safetensors"});
  EXPECT_FALSE(all[0].is_named());
  EXPECT_EQ(all[1].products, Names{"m/x/c.safetensors"});
}

TEST(Units, AFileThatIsNamedIsAlwaysOne) {
  const auto all = units({file("notes.txt", {"text"})}, "m/", true);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_TRUE(all[0].is_named());
}

TEST(Units, TheShardsOfAnIndexAreOneModel) {
  const auto all = units(
      {file("pytorch_model-00001-of-00002.bin", {"torch-zip"}), file("pytorch_model-00002-of-00002.bin", {"torch-zip"}),
       index_file("pytorch_model.bin.index.json",
                  {"pytorch_model-00002-of-00002.bin", "pytorch_model-00001-of-00002.bin"})},
      "m/", false);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].sources, (Names{"m/pytorch_model-00001-of-00002.bin", "m/pytorch_model-00002-of-00002.bin"}));
  EXPECT_EQ(all[0].products, (Names{"m/model-00001-of-00002.safetensors", "m/model-00002-of-00002.safetensors"}));
  EXPECT_EQ(all[0].documents, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(all[0].index, "m/pytorch_model.bin.index.json");
  EXPECT_EQ(all[0].whole, "m/model.safetensors");
  EXPECT_EQ(all[0].trouble, "");
}

TEST(Units, AShardThatIsNamedTwiceIsTakenOnce) {
  const auto all =
      units({file("a.bin", {"torch-zip"}), index_file("m.bin.index.json", {"a.bin", "a.bin"})}, "m/", false);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].sources, Names{"m/a.bin"});
}

// diffusers looks for diffusion_pytorch_model.safetensors.index.json, and for nothing else.
TEST(Units, AnIndexKeepsTheNameOfItsModel) {
  const auto all =
      units({file("unet/diffusion_pytorch_model-00001-of-00001.bin", {"torch-zip"}),
             index_file("unet/diffusion_pytorch_model.bin.index.json", {"diffusion_pytorch_model-00001-of-00001.bin"})},
            "m/", false);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].whole, "m/unet/diffusion_pytorch_model.safetensors");
}

TEST(Units, AMissingShardIsTold) {
  const auto all =
      units({file("a.bin", {"torch-zip"}), index_file("m.bin.index.json", {"a.bin", "b.bin"})}, "m/", false);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].trouble, "the shard b.bin is missing");
}

// An index must not make us read or write outside its own folder.
TEST(Units, ShardsStandBesideTheirIndex) {
  const auto all = units(
      {file("a.bin", {"torch-zip"}), file("x/b.bin", {"torch-zip"}),
       index_file("m.bin.index.json", {"a.bin", "x/b.bin"}), index_file("x/m.bin.index.json", {"b.bin", "../a.bin"})},
      "m/", false);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].trouble, "the shard x/b.bin is in another folder");
  EXPECT_EQ(all[1].trouble, "the shard ../a.bin is in another folder");
}

TEST(Units, AModelThatIsSafetensorsAlreadyIsLeftAlone) {
  EXPECT_TRUE(units({file("a.safetensors", {"safetensors"}),
                     index_file("model.safetensors.index.json", {"a.safetensors", "b.safetensors"})},
                    "m/", false)
                  .empty());
  EXPECT_TRUE(
      units({file("a.safetensors", {"safetensors"}), index_file("m.bin.index.json", {"a.safetensors"})}, "m/", false)
          .empty());
}

TEST(Units, ProductsHaveTheNamesThatLibrariesLookFor) {
  EXPECT_EQ(product_name("m/pytorch_model.bin"), "m/model.safetensors");
  EXPECT_EQ(product_name("pytorch_model.fp16.bin"), "model.fp16.safetensors");
  EXPECT_EQ(product_name("pytorch_model-00001-of-00002.bin"), "model-00001-of-00002.safetensors");
  EXPECT_EQ(product_name("diffusion_pytorch_model.bin"), "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(product_name("v1.5/unet.ckpt"), "v1.5/unet.safetensors");
  EXPECT_EQ(product_name("a.b.pth"), "a.b.safetensors");
  EXPECT_EQ(product_name("arrays.npz"), "arrays.safetensors");
  EXPECT_EQ(product_name(".bin"), ".bin.safetensors");
  EXPECT_EQ(product_name("weights"), "weights.safetensors");
  EXPECT_EQ(product_name("x.bin/weights"), "x.bin/weights.safetensors");
}

TEST(Units, OutputIsAFolderWhereItIsOneOrAFolderIsConverted) {
  const Folder folder;
  Unit named, found;
  found.base = "m/";
  EXPECT_TRUE(names_folder(folder.path(), named));
  EXPECT_TRUE(names_folder("out/", named));
  EXPECT_FALSE(names_folder("out", named));
  EXPECT_TRUE(names_folder("out", found));
  EXPECT_FALSE(names_folder("out.safetensors", found));
}

TEST(Claims, TheFirstSourceHasTheProduct) {
  Claims claims;
  EXPECT_EQ(claims.other_owner("m/a.safetensors", "m/a.bin"), "");
  EXPECT_EQ(claims.other_owner("m/a.safetensors", "m/a.pt"), "m/a.bin");
  EXPECT_EQ(claims.other_owner("m/../m/a.safetensors", "./m/a.pt"), "m/a.bin");
  EXPECT_EQ(claims.other_owner("m/a.safetensors", "./m/a.bin"), "");
}

}  // namespace
}  // namespace assay::convert
