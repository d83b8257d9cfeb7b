#include "convert/input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "format/codec.h"
#include "tensors/architecture.h"
#include "tensors/index.h"

namespace assay::convert {
namespace {

using scan::Descriptor;

constexpr char kTensors = 'T';
constexpr char kArchitecture = 'A';
constexpr char kIndex = 'I';
constexpr std::size_t kSizeBytes = 8;

struct Names {
  std::vector<std::string> names;
};
template <class Codec>
void describe(Codec& c, Names& v) {
  c("names", v.names);
}

/// A million tensors are a million facts: what a scan keeps of them is another matter.
bytes::Limits widened(bytes::Limits limits) {
  limits.facts = std::max<std::uint64_t>(limits.facts, 4 * tensors::kMostTensors);
  return limits;
}

/// Runs in the cell: a question and a size to what the file says.
std::string answer(int descriptor, int spool, std::string_view request, const sandbox::Beat& beat,
                   const Options& options) {
  std::uint64_t size = 0;
  std::memcpy(&size, request.data() + 1, sizeof size);
  const bytes::FileSource file{descriptor, size};
  if (request[0] == kArchitecture) return tensors::architecture_of(file);
  if (request[0] == kIndex) return format::encoded(Names{tensors::names_in_index(file)});
  bytes::SpoolFile spool_file{spool};
  return tensors::encode(tensors::read(file, spool_file, {widened(options.limits), options.key, [&] { beat(0); }}));
}

std::string request_for(char question, std::uint64_t size) {
  std::string out{question};
  return out.append(reinterpret_cast<const char*>(&size), kSizeBytes);
}

Descriptor opened(const std::string& path) {
  return Descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
}

std::uint64_t size_of(int descriptor) {
  struct stat s {};
  return descriptor >= 0 && ::fstat(descriptor, &s) == 0 ? static_cast<std::uint64_t>(s.st_size) : 0;
}

}  // namespace

tl::expected<InputReader, scan::Refusal> InputReader::open(const Options& options) {
  const bool holds = sandbox::probe().holds();
  if (!holds && !options.allow_unconfined)
    return tl::unexpected<scan::Refusal>{
        {"this system cannot confine the process that reads the file; --allow-unconfined accepts that risk"}};
  if (!scan::temporary_file(options.spool_folder))
    return tl::unexpected<scan::Refusal>{{"no file can be made in " + options.spool_folder +
                                          ", which is where decompressed bytes go; --spool names another folder"}};
  const auto tier = sandbox::attainable(holds ? sandbox::Tier::confined : sandbox::Tier::unconfined);
  const auto work = [&options](int descriptor, int spool, std::string_view request, const sandbox::Beat& beat) {
    return answer(descriptor, spool, request, beat, options);
  };
  sandbox::Limits limits;
  limits.result_bytes = 1ull << 30;  // a million tensors, and their names
  auto pool = sandbox::Pool::open(1, work, work, limits, tier);
  if (!pool) return tl::unexpected<scan::Refusal>{{"no confined process could be started"}};
  return InputReader{options, std::move(*pool)};
}

std::string_view InputReader::tier() const {
  return pool_.tier() == sandbox::Tier::confined ? "one-shot" : "unconfined";
}

tl::expected<std::string, std::string> InputReader::ask(char question, const Descriptor& file, int spool,
                                                        std::uint64_t size) {
  const auto id = ++jobs_;
  pool_.submit({id, file.duplicate().release(), spool, size, request_for(question, size)}, sandbox::Kind::one_shot);
  std::vector<sandbox::Reply> replies;
  while (replies.empty()) {
    pool_.wait(std::chrono::milliseconds{100}, replies);
    if (options_.stop && options_.stop()) return tl::unexpected<std::string>{"interrupted"};
  }
  auto& reply = replies.front();
  if (reply.id != id || reply.outcome != sandbox::Outcome::done)
    return tl::unexpected<std::string>{"reading it failed: " + std::string{sandbox::to_string(reply.outcome)}};
  return std::move(reply.result);
}

tl::expected<Input, std::string> InputReader::read(const std::string& path) {
  const auto file = opened(path);
  if (!file) return tl::unexpected<std::string>{std::strerror(errno)};
  return read(file.get(), path);
}

tl::expected<Input, std::string> InputReader::read(int descriptor, std::string path) {
  Input out;
  out.path = std::move(path);
  out.file = Descriptor{::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)};
  struct stat s {};
  if (!out.file || ::fstat(out.file.get(), &s) != 0) return tl::unexpected<std::string>{std::strerror(errno)};
  if (!S_ISREG(s.st_mode)) return tl::unexpected<std::string>{"not a regular file"};
  out.identity = scan::Identity::of(s);
  out.spool = scan::temporary_file(options_.spool_folder);
  const auto raw = ask(kTensors, out.file, out.spool.get(), out.size());
  if (!raw) return tl::unexpected<std::string>{raw.error()};
  auto set = tensors::decode(bytes::view(*raw), out.size(), size_of(out.spool.get()));
  if (!set) return tl::unexpected<std::string>{"the reader answered with nonsense: " + std::string{set.error().what}};
  out.set = std::move(*set);
  if (!out.is_unchanged()) return tl::unexpected<std::string>{"the file changed while it was read"};
  return out;
}

std::string InputReader::ask_about(char question, const std::string& path) {
  const auto file = opened(path);
  struct stat s {};
  if (!file || ::fstat(file.get(), &s) != 0 || !S_ISREG(s.st_mode)) return {};
  return ask(question, file, -1, static_cast<std::uint64_t>(s.st_size)).value_or("");
}

std::string InputReader::architecture(const std::string& path) { return ask_about(kArchitecture, path); }

std::vector<std::string> InputReader::index(const std::string& path) {
  const auto raw = ask_about(kIndex, path);
  return format::decoded<Names>(bytes::view(raw)).value_or(Names{}).names;
}

}  // namespace assay::convert
