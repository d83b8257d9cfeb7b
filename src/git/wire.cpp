#include "git/wire.h"

#include "bytes/reader.h"

namespace assay::git {
namespace {

constexpr std::uint8_t kIsHistory = 1;
constexpr std::uint8_t kIsRefusal = 2;
constexpr std::size_t kOidBytes = 20;
constexpr std::uint64_t kMostPathBytes = 1 << 16;

class Writer {
 public:
  template <class T>
  void number(T n) {
    out_.append(reinterpret_cast<const char*>(&n), sizeof n);
  }
  void text(std::string_view t) {
    number(static_cast<std::uint32_t>(t.size()));
    out_ += t;
  }
  void texts(const std::vector<std::string>& all) {
    number(static_cast<std::uint32_t>(all.size()));
    for (const auto& t : all) text(t);
  }
  void id(const Oid& id) { out_ += id.raw(); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

Result<bool> read_flag(bytes::Reader& in) {
  const auto n = TRY(in.le<std::uint8_t>());
  if (n > 1) return fail(Errc::malformed, in.offset(), "a flag that is neither yes nor no");
  return n == 1;
}

template <class Enum>
Result<Enum> read_kind(bytes::Reader& in, Enum last) {
  const auto n = TRY(in.le<std::uint8_t>());
  if (n > static_cast<std::uint8_t>(last)) return fail(Errc::malformed, in.offset(), "a kind that does not exist");
  return static_cast<Enum>(n);
}

Result<std::string> read_text(bytes::Reader& in, std::uint64_t most) {
  const auto size = TRY(in.le<std::uint32_t>());
  if (size > most) return fail(Errc::malformed, in.offset(), "a text longer than such texts are");
  return std::string{bytes::text(TRY(in.take(size)))};
}

Result<Oid> read_id(bytes::Reader& in) { return Oid::from_raw(bytes::text(TRY(in.take(kOidBytes)))); }

Result<std::vector<std::string>> read_texts(bytes::Reader& in) {
  const auto count = TRY(in.plausible(TRY(in.le<std::uint32_t>()), sizeof(std::uint32_t)));
  std::vector<std::string> out;
  for (std::uint64_t i = 0; i < count; ++i) out.push_back(TRY(read_text(in, kMostPathBytes)));
  return out;
}

Result<void> read_end(const bytes::Reader& in) {
  if (!in.empty()) return fail(Errc::malformed, in.offset(), "more than was announced");
  return {};
}

void write(Writer& out, const Commit& commit) {
  out.id(commit.id);
  out.number(commit.time);
  out.text(commit.author.name);
  out.text(commit.author.email);
  out.text(commit.summary);
}

Result<Commit> read_commit(bytes::Reader& in) {
  Commit out;
  out.id = TRY(read_id(in));
  out.time = static_cast<std::int64_t>(TRY(in.le<std::uint64_t>()));
  out.author.name = TRY(read_text(in, kMostText));
  out.author.email = TRY(read_text(in, kMostText));
  out.summary = TRY(read_text(in, kMostText));
  return out;
}

void write(Writer& out, const Entry& entry) {
  out.id(entry.id);
  out.number(entry.mode);
  out.number(static_cast<std::uint8_t>(entry.state));
  out.number(static_cast<std::uint8_t>(entry.is_new));
  out.number(entry.size);
  out.text(entry.path);
  out.number(entry.commit);
  out.number(entry.other_paths);
}

Result<Entry> read_entry(bytes::Reader& in, std::size_t commits) {
  Entry out;
  out.id = TRY(read_id(in));
  out.mode = TRY(in.le<std::uint32_t>());
  out.state = TRY(read_kind(in, kLastState));
  out.is_new = TRY(read_flag(in));
  out.size = TRY(in.le<std::uint64_t>());
  out.path = TRY(read_text(in, kMostPathBytes));
  out.commit = TRY(in.le<std::uint32_t>());
  out.other_paths = TRY(in.le<std::uint32_t>());
  if (out.commit != Entry::kNoCommit && out.commit >= commits)
    return fail(Errc::malformed, in.offset(), "a blob of a commit that was not told");
  return out;
}

/// Bytes that one of them takes at least.
constexpr std::uint64_t kLeastCommit = 40, kLeastEntry = 46, kLeastGap = 21;

}  // namespace

std::string encode(const Range& range) {
  Writer out;
  out.texts(range.include);
  out.texts(range.exclude);
  for (const bool flag : {range.all, range.beyond_refs, range.staged}) out.number(static_cast<std::uint8_t>(flag));
  return out.take();
}

Result<Range> decode_range(bytes::View raw) {
  bytes::Reader in{raw};
  Range out;
  out.include = TRY(read_texts(in));
  out.exclude = TRY(read_texts(in));
  out.all = TRY(read_flag(in));
  out.beyond_refs = TRY(read_flag(in));
  out.staged = TRY(read_flag(in));
  TRY(read_end(in));
  return out;
}

Error to_error(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::not_a_repository: return {Errc::unsupported, 0, "not a git repository"};
    case Refusal::no_such_revision: return {Errc::unsupported, 0, "no such revision in this repository"};
    case Refusal::references: return {Errc::malformed, 0, "the repository's references cannot be listed"};
    case Refusal::index: return {Errc::malformed, 0, "the index of staged files cannot be read"};
    case Refusal::too_many_references: return {Errc::limit_reached, 0, "the repository has too many references"};
  }
  return {Errc::malformed, 0, "the reader of the repository answered with nonsense"};
}

std::string encode(Refusal refusal) {
  Writer out;
  out.number(kIsRefusal);
  out.number(static_cast<std::uint8_t>(refusal));
  return out.take();
}

std::string encode(const History& history) {
  Writer out;
  out.number(kIsHistory);
  out.number(history.walked);
  out.number(static_cast<std::uint32_t>(history.commits.size()));
  for (const auto& commit : history.commits) write(out, commit);
  out.number(static_cast<std::uint32_t>(history.entries.size()));
  for (const auto& entry : history.entries) write(out, entry);
  out.number(static_cast<std::uint32_t>(history.gaps.size()));
  for (const auto& gap : history.gaps) {
    out.number(static_cast<std::uint8_t>(gap.kind));
    out.id(gap.id);
  }
  out.number(history.more_gaps);
  return out.take();
}

Result<History> decode_history(bytes::View raw) {
  bytes::Reader in{raw};
  const auto answer = TRY(in.le<std::uint8_t>());
  if (answer == kIsRefusal) {
    const auto why = TRY(read_kind(in, kLastRefusal));
    TRY(read_end(in));
    return tl::unexpected<Error>{to_error(why)};
  }
  if (answer != kIsHistory) return fail(Errc::malformed, 0, "neither a history nor a reason why not");
  History out;
  out.walked = TRY(in.le<std::uint64_t>());
  const auto commits = TRY(in.plausible(TRY(in.le<std::uint32_t>()), kLeastCommit));
  for (std::uint64_t i = 0; i < commits; ++i) out.commits.push_back(TRY(read_commit(in)));
  const auto entries = TRY(in.plausible(TRY(in.le<std::uint32_t>()), kLeastEntry));
  for (std::uint64_t i = 0; i < entries; ++i) out.entries.push_back(TRY(read_entry(in, out.commits.size())));
  const auto gaps = TRY(in.plausible(TRY(in.le<std::uint32_t>()), kLeastGap));
  if (gaps > kMostGaps) return fail(Errc::malformed, in.offset(), "more gaps than are told one by one");
  for (std::uint64_t i = 0; i < gaps; ++i) {
    const auto kind = TRY(read_kind(in, kLastGap));
    out.gaps.push_back({kind, TRY(read_id(in))});
  }
  out.more_gaps = TRY(in.le<std::uint64_t>());
  TRY(read_end(in));
  return out;
}

std::string encode(const Content& content) {
  Writer out;
  out.number(static_cast<std::uint8_t>(content.state));
  out.number(content.size);
  out.text(content.bytes);
  return out.take();
}

Result<Content> decode_content(bytes::View raw) {
  bytes::Reader in{raw};
  Content out;
  out.state = TRY(read_kind(in, kLastState));
  out.size = TRY(in.le<std::uint64_t>());
  out.bytes = TRY(read_text(in, in.remaining()));
  TRY(read_end(in));
  if (!out.bytes.empty() && out.bytes.size() != out.size)
    return fail(Errc::malformed, 0, "a size that is not that of the bytes");
  return out;
}

}  // namespace assay::git
