#include "scan/inspect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "bytes/reader.h"
#include "bytes/spool.h"
#include "container/sevenzip/sevenzip.h"
#include "detect/detect.h"
#include "detect/written.h"
#include "format/numpy/npy.h"
#include "format/pickle/listing.h"
#include "format/safetensors/safetensors.h"
#include "format/wire.h"
#include "sandbox/pool.h"
#include "scan/examine.h"

namespace assay::scan {
namespace {

constexpr std::size_t kMostTensors = 100'000;
constexpr std::size_t kMostMetadata = 10'000;  ///< pairs
constexpr std::size_t kMostLine = 2000;        ///< bytes

void put(std::string& out, std::string_view text) {
  const std::uint64_t n = text.size();
  out.append(reinterpret_cast<const char*>(&n), sizeof n).append(text);
}
Result<std::string> get(bytes::Reader& in) {
  return std::string{bytes::text(TRY(in.take(TRY(in.le<std::uint64_t>()))))};
}

std::string written(const format::Expr& e) { return detect::written(e, 160); }

std::string brackets(const std::vector<std::string>& numbers) {
  std::string out;
  for (const auto& n : numbers) out += (out.empty() ? "" : ", ") + n;
  return "[" + out + "]";
}

std::string brackets(const std::vector<std::uint64_t>& numbers) {
  std::vector<std::string> texts;
  for (const auto n : numbers) texts.push_back(std::to_string(n));
  return brackets(texts);
}

std::string place_of(const format::Member& member, std::uint64_t offset) {
  std::array<char, 32> at;
  std::snprintf(at.data(), at.size(), "at 0x%llx", static_cast<unsigned long long>(offset));
  return (member.name.empty() ? "" : member.name + " ") + at.data();
}

/// What the cell answers: everything becomes one string, because that is what goes through its socket.
class Answer {
 public:
  void add(const TensorLine& t) {
    if (++tensor_count_ > kMostTensors) return;
    put(tensors_, t.name);
    put(tensors_, t.dtype);
    put(tensors_, t.shape);
    put(tensors_, std::to_string(t.bytes));
  }
  void add(std::string_view key, std::string_view value) {
    if (++metadata_count_ > kMostMetadata) return;
    put(metadata_, key.substr(0, kMostLine));
    put(metadata_, value.substr(0, kMostLine));
  }
  void add(const Program& p) {
    ++program_count_;
    put(programs_, std::to_string(p.place.member));
    put(programs_, std::to_string(p.place.offset));
    put(programs_, p.cut ? "cut" : "");
    put(programs_, std::to_string(p.lines.size()));
    for (const auto& line : p.lines) put(programs_, line);
  }
  std::string finish(const format::Document& document) const {
    std::string out;
    put(out, format::encode(document));
    put(out, std::to_string(program_count_));
    out += programs_;
    put(out, std::to_string(std::min<std::uint64_t>(tensor_count_, kMostTensors)));
    out += tensors_;
    put(out, std::to_string(std::min<std::uint64_t>(metadata_count_, kMostMetadata)));
    return out + metadata_;
  }

 private:
  std::string programs_, tensors_, metadata_;
  std::uint64_t program_count_ = 0, tensor_count_ = 0, metadata_count_ = 0;
};

/// The arrays of an .npy, which may hold several.
void add_arrays(const bytes::Source& source, const format::Member& member, Answer& answer) {
  for (std::uint64_t at = 0; at < source.size();) {
    const bytes::WindowSource rest{source, at, source.size() - at};
    const auto array = format::numpy::parse(rest);
    if (!array) return;
    const auto bytes = array->dtype.has_object ? 0 : array->data_bytes;
    answer.add(TensorLine{place_of(member, at), array->descr, brackets(array->shape), bytes});
    if (array->dtype.has_object || bytes > rest.size() - array->data_offset) return;
    at += array->data_offset + bytes;
  }
}

void add_safetensors(const bytes::Source& source, const bytes::Limits& limits, Answer& answer) {
  bytes::Budget budget{limits, source.size()};
  const auto file = format::safetensors::parse(source, budget).facts;
  for (const auto& t : file.tensors)
    answer.add(TensorLine{t.name, std::string{to_string(t.dtype)}, brackets(t.shape), t.end - t.begin});
  for (const auto& [key, value] : file.metadata) answer.add(key, value);
}

TensorLine line_of(const format::pickle::ListedArray& array, const format::Member& member) {
  std::vector<std::string> shape;
  for (const auto& n : array.shape.items) shape.push_back(written(n));
  // numpy.dtype('f8', False, True): callee and arguments.
  const auto& made = array.dtype.items;
  const auto dtype = made.size() > 1 && made[1].kind == format::Expr::Kind::text ? made[1].text : written(array.dtype);
  return {place_of(member, array.data.begin), dtype, brackets(shape), array.data.end - array.data.begin};
}

Program program_of(const format::Pickle& pickle, const bytes::Source& source, const format::Member& member,
                   bytes::Budget& budget, std::uint64_t most, Answer& answer) {
  Program out;
  out.place = pickle.place;
  const format::pickle::Listener to{
      written,
      [&](std::string line) {
        line.resize(std::min(line.size(), kMostLine));
        out.lines.push_back(std::move(line));
      },
      [&](const format::pickle::ListedArray& array) { answer.add(line_of(array, member)); }};
  out.cut = !list_program(source, pickle.place.offset, pickle.profiles, budget, most, to);
  return out;
}

/// Runs in the cell.
std::string inspect_in_cell(int descriptor, int spool, std::uint64_t size, const sandbox::Beat& beat,
                            const bytes::Limits& limits, std::uint64_t most) {
  const bytes::FileSource file{descriptor, size};
  bytes::SpoolFile spool_file{spool};
  bytes::Budget budget{limits, size};
  Answer answer;
  Examination how;
  how.limits = limits;
  how.third_party = true;
  how.care = [](std::string_view, std::string_view) { return format::Care::result; };
  how.sign_of_life = [&] { beat(0); };
  how.on_tensor = [&](const format::torch::Tensor& t) {
    answer.add(TensorLine{t.name, t.dtype, brackets(t.shape), t.bytes});
  };
  how.on_member = [&](std::uint32_t index, const bytes::Source& source, const format::Document& document) {
    const auto& member = document.members[index];
    const auto is = [&](std::string_view format) {
      return std::find(member.formats.begin(), member.formats.end(), format) != member.formats.end();
    };
    if (is("npy")) add_arrays(source, member, answer);
    if (is("safetensors")) add_safetensors(source, limits, answer);
    for (const auto& p : document.pickles)
      if (p.place.member == index) answer.add(program_of(p, source, member, budget, most, answer));
  };
  const auto document = examine(file, spool_file, how);
  return answer.finish(*document);
}

Result<std::uint64_t> number(bytes::Reader& in) {
  const auto text = TRY(get(in));
  std::uint64_t n = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || __builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, c - '0', &n))
      return fail(Errc::malformed, in.offset(), "not a number");
  }
  return n;
}

Result<Inspection> decode(std::string_view raw) {
  bytes::Reader in{bytes::view(raw)};
  Inspection out;
  out.document = TRY(format::decode(bytes::view(TRY(get(in)))));
  const auto programs = TRY(in.plausible(TRY(number(in)), 8));
  for (std::uint64_t i = 0; i < programs; ++i) {
    Program p;
    p.place.member = static_cast<std::uint32_t>(TRY(number(in)));
    if (p.place.member >= out.document.members.size())
      return fail(Errc::malformed, in.offset(), "a program outside the file");
    p.place.offset = TRY(number(in));
    p.cut = !TRY(get(in)).empty();
    const auto lines = TRY(in.plausible(TRY(number(in)), 8));
    for (std::uint64_t k = 0; k < lines; ++k) p.lines.push_back(TRY(get(in)));
    out.programs.push_back(std::move(p));
  }
  const auto tensors = TRY(in.plausible(TRY(number(in)), 8));
  for (std::uint64_t i = 0; i < tensors; ++i) {
    TensorLine t;
    t.name = TRY(get(in));
    t.dtype = TRY(get(in));
    t.shape = TRY(get(in));
    t.bytes = TRY(number(in));
    out.tensors.push_back(std::move(t));
  }
  const auto pairs = TRY(in.plausible(TRY(number(in)), 8));
  for (std::uint64_t i = 0; i < pairs; ++i) {
    auto key = TRY(get(in));
    out.metadata.push_back({std::move(key), TRY(get(in))});
  }
  return out;
}

}  // namespace

tl::expected<Inspection, Refusal> inspect(const std::string& path, const Options& options, std::uint64_t most_opcodes) {
  const auto refuse = [](std::string what) { return tl::unexpected<Refusal>{Refusal{std::move(what)}}; };
  const auto tier = sandbox::attainable(
      options.allow_unconfined && !sandbox::probe().holds() ? sandbox::Tier::unconfined : sandbox::Tier::confined);
  if (tier == sandbox::Tier::unconfined && !options.allow_unconfined)
    return refuse("this system cannot confine the process that reads the file; --allow-unconfined accepts that risk");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat s {};
  if (fd < 0 || ::fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
    const std::string why = fd < 0 ? std::strerror(errno) : "not a regular file";
    if (fd >= 0) ::close(fd);
    return refuse(why);
  }
  container::sevenzip::prepare();
  const auto size = static_cast<std::uint64_t>(s.st_size);
  const auto work = [&](int descriptor, int spool, std::string_view, const sandbox::Beat& beat) {
    return inspect_in_cell(descriptor, spool, size, beat, options.limits, most_opcodes);
  };
  auto pool = sandbox::Pool::open(1, work, work, {}, tier);
  if (!pool) return refuse("no confined process could be started");
  const int spool = ::open(options.spool_folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  pool->submit({0, fd, spool, size, ""}, sandbox::Kind::one_shot);
  std::vector<sandbox::Reply> replies;
  while (replies.empty()) pool->wait(std::chrono::milliseconds{200}, replies);
  if (spool >= 0) ::close(spool);
  if (replies[0].outcome != sandbox::Outcome::done)
    return refuse("reading it failed: " + std::string{sandbox::to_string(replies[0].outcome)});
  auto out = decode(replies[0].result);
  if (!out || out->document.size != size) return refuse("the reader answered with nonsense");
  out->document.path = path.substr(path.find_last_of('/') + 1);
  out->document.tier = tier == sandbox::Tier::unconfined ? "unconfined" : "cell+one-shot";
  return std::move(*out);
}

}  // namespace assay::scan
