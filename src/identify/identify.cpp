#include "identify/identify.h"

#include "identify/look.h"
#include "identify/magic.h"
#include "identify/media.h"

namespace assay::identify {
namespace {

constexpr std::size_t kHead = 4096;  // bytes

/// HDF5 also begins behind a user block, at 512 or twice that, and so on: h5py looks there, so do we.
/// Not in a tar, whose members begin at such places and are examined as members.
bool hdf5_behind_user_block(Look& in, bytes::View head) {
  constexpr std::uint64_t kFurthest = 1ull << 40;  // bytes
  if (head.size() > 262 && begins(head.subspan(257), "ustar")) return false;
  for (std::uint64_t at = 512; at < kFurthest && at < in.size(); at *= 2)
    if (begins(in.at(at, kHdf5.size()), kHdf5)) return true;
  return false;
}

/// A table's magic stands at both ends; one alone is a coincidence or a damaged file.
bool ends_as_parquet(Look& in) { return in.size() >= 12 && begins(in.at(in.size() - 4, 4), "PAR1"); }

Magic model_of(bytes::View head, Look& in) {
  auto found = model(head, in.size());
  if (found.format == "parquet" && !ends_as_parquet(in)) found = {};
  if (found.format.empty() && hdf5_behind_user_block(in, head))
    found = {"hdf5", "an HDF5 file behind a block of other bytes"};
  return found;
}

/// A program header whose place the head does not reach.
bool is_believed(const Magic& found, bytes::View head, Look& in) {
  if (found.format != "pe") return true;
  const auto name = in.at(little(head, 0x3c, 4), 4);
  return begins(name, {"PE\0\0", 4}) || begins(name, "NE") || begins(name, "LE") || begins(name, "LX");
}

/// "#!" and a path. What follows may be an archive or anything else: the kernel asks only for the line.
bool is_script(bytes::View head) {
  const auto text = bytes::text(head);
  const auto path = text.starts_with("#!") ? text.find_first_not_of(" \t", 2) : text.npos;
  return path != text.npos && text[path] == '/';
}

}  // namespace

std::vector<Claim> identify(const bytes::Source& source) {
  std::vector<Claim> claims;
  Look in{source};
  const auto looked = in.at(0, kHead);
  const std::vector<std::byte> head{looked.begin(), looked.end()};
  const auto all = source.size();

  if (starts_pickle(head)) claims.push_back({"pickle", Use::readable, "a pickle", all});
  if (begins(head, "\x93NUMPY")) claims.push_back({"npy", Use::readable, "a NumPy array", all});
  if (const auto found = program(head, all); !found.format.empty() && is_believed(found, head, in))
    claims.push_back({found.format, Use::executable, found.says, all});
  if (is_script(head)) claims.push_back({"script", Use::code, "a script", all});
  if (const auto found = document(head); !found.format.empty())
    claims.push_back({found.format, Use::code, found.says, all});
  if (is_safetensors(head, all)) claims.push_back({"safetensors", Use::readable, "a safetensors file", all});
  if (const auto found = model_of(head, in); !found.format.empty())
    claims.push_back({found.format, Use::model, found.says, all});
  if (const auto found = medium(head, in); !found.format.empty())
    claims.push_back({found.format, Use::plain, found.says, found.end});
  return claims;
}

}  // namespace assay::identify
