#include "git/object.h"

#include <charconv>

namespace assay::git {
namespace {

constexpr std::size_t kMostParents = 10'000;

std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return line;
}

bool take_word(std::string_view& line, std::string_view word) {
  if (!line.starts_with(word)) return false;
  line.remove_prefix(word.size());
  return true;
}

/// "NAME <EMAIL> SECONDS ZONE", in which anything but the brackets may be missing, and often is in old histories.
std::int64_t parse_person(std::string_view line, Person& person) {
  const auto open = line.find('<');
  const auto close = line.rfind('>');
  auto name = line.substr(0, open);
  while (name.ends_with(' ')) name.remove_suffix(1);
  person.name = name.substr(0, kMostText);
  if (open == line.npos || close == line.npos || close < open) return 0;
  person.email = line.substr(open + 1, std::min(close - open - 1, kMostText));
  auto time = line.substr(close + 1);
  while (time.starts_with(' ')) time.remove_prefix(1);
  std::int64_t seconds = 0;
  std::from_chars(time.data(), time.data() + time.size(), seconds);
  return seconds;
}

}  // namespace

Result<CommitText> parse_commit(std::string_view raw) {
  CommitText out;
  auto line = take_line(raw);
  const auto tree = take_word(line, "tree ") ? Oid::from_hex(line) : std::nullopt;
  if (!tree) return fail(Errc::malformed, 0, "a commit names no tree");
  out.tree = *tree;
  bool has_author = false, has_committer = false;
  while (!raw.empty()) {
    line = take_line(raw);
    if (line.empty()) break;  // the message follows
    if (take_word(line, "parent ")) {
      const auto parent = Oid::from_hex(line);
      if (!parent || out.parents.size() == kMostParents)
        return fail(Errc::malformed, 0, "a commit names a parent that cannot be");
      out.parents.push_back(*parent);
    } else if (!has_author && take_word(line, "author ")) {
      out.author_time = parse_person(line, out.author);
      has_author = true;
    } else if (!has_committer && take_word(line, "committer ")) {
      Person committer;
      out.committer_time = parse_person(line, committer);
      has_committer = true;
    }
  }
  while (raw.starts_with('\n')) raw.remove_prefix(1);
  out.summary = take_line(raw).substr(0, kMostText);
  return out;
}

Result<Tagged> parse_tag(std::string_view raw) {
  auto line = take_line(raw);
  const auto target = take_word(line, "object ") ? Oid::from_hex(line) : std::nullopt;
  if (!target) return fail(Errc::malformed, 0, "a tag names no object");
  line = take_line(raw);
  Tagged out{*target, Type::other};
  if (line == "type commit") out.type = Type::commit;
  if (line == "type tree") out.type = Type::tree;
  if (line == "type blob") out.type = Type::blob;
  if (line == "type tag") out.type = Type::tag;
  return out;
}

Result<std::optional<TreeEntry>> TreeReader::next() {
  if (rest_.empty()) return std::nullopt;
  TreeEntry entry;
  const auto space = rest_.find(' ');
  const auto zero = rest_.find('\0');
  if (space == rest_.npos || zero == rest_.npos || zero <= space + 1 || rest_.size() - zero - 1 < entry.id.bytes.size())
    return fail(Errc::malformed, 0, "a tree holds what is no entry");
  const auto mode = std::from_chars(rest_.data(), rest_.data() + space, entry.mode, 8);
  if (mode.ec != std::errc{} || mode.ptr != rest_.data() + space)
    return fail(Errc::malformed, 0, "a tree holds an entry without a mode");
  entry.name = rest_.substr(space + 1, zero - space - 1);
  entry.id = Oid::from_raw(rest_.substr(zero + 1, entry.id.bytes.size()));
  rest_.remove_prefix(zero + 1 + entry.id.bytes.size());
  return entry;
}

}  // namespace assay::git
