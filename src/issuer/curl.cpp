#include "issuer/curl.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

extern char** environ;

namespace assay::issuer {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using Time = std::chrono::steady_clock::time_point;

constexpr auto kGrace = 2s;           // what curl gets beyond its own limit of time, before it is ended
constexpr auto kLook = 100ms;         // how often somebody who wants to stop is heard
constexpr auto kLongestConnect = 5s;  // a host that is there answers sooner

// --- What curl is told ----------------------------------------------------------------------------------------------

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

/// option = "value", as curl reads it: of what may stand in a line, only the quote and the backslash mean anything.
Result<std::string> line(std::string_view option, std::string_view value) {
  if (std::ranges::any_of(value, is_control))
    return fail(Errc::unsupported, 0, "it holds bytes that no request can carry");
  std::string result{option};
  result += " = \"";
  for (const char c : value) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result += "\"\n";
}

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::duration<double>{std::max(time, 1ms)}.count());
}

// --- The process ----------------------------------------------------------------------------------------------------

/// One end of a pipe.
class End {
 public:
  explicit End(int fd = -1) noexcept : fd_{fd} {}
  End(End&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  End& operator=(End&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~End() { close(); }
  void close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

struct Pipe {
  End read, write;
};

std::optional<Pipe> open_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{End{ends[0]}, End{ends[1]}};
}

/// All of `text` before anybody reads: a pipe holds 64 KiB, many times what a request is.
bool fill(Pipe& pipe, std::string_view text) {
  if (::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK) != 0) return false;
  const bool is_whole = ::write(pipe.write.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  pipe.write.close();
  return is_whole;
}

struct Actions {
  Actions() { ::posix_spawn_file_actions_init(&list); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&list); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t list;
};

/// The first word keeps curl from its own configuration file. Nothing else stands in the command line, where every user
/// of the machine could read it.
Result<pid_t> start(int input, int output) {
  Actions actions;
  ::posix_spawn_file_actions_adddup2(&actions.list, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions.list, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions.list, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&actions.list, STDERR_FILENO + 1);
  std::array<std::string, 4> words{"curl", "-q", "--config", "-"};
  std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, "curl", &actions.list, nullptr, arguments.data(), environ);
  if (failed == ENOENT) return fail(Errc::io, 0, "curl is not installed");
  if (failed != 0) return fail(Errc::io, 0, "curl could not be started");
  return child;
}

/// Up to `most` bytes, until `until`. Whether the other side was done tells the exit status of who wrote.
std::string read_some(int from, std::size_t most, Time until, const std::function<bool()>& stop) {
  std::string all;
  std::array<char, 16 << 10> block;
  while (all.size() < most && std::chrono::steady_clock::now() < until && !(stop && stop())) {
    pollfd watched{from, POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(kLook / 1ms)) <= 0) continue;
    const auto n = ::read(from, block.data(), std::min(block.size(), most - all.size()));
    if (n <= 0) break;
    all.append(block.data(), static_cast<std::size_t>(n));
  }
  return all;
}

/// Its exit code; nothing where it had to be ended.
std::optional<int> end(pid_t child) {
  int status = 0;
  // It has closed its output or is not wanted any more: what it still wants to do concerns nobody.
  for (auto left = 10; left > 0; --left) {
    if (::waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) ? std::optional{WEXITSTATUS(status)} : std::nullopt;
    ::poll(nullptr, 0, 10);
  }
  ::kill(child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return std::nullopt;
}

/// Literals: what curl itself says may quote the link, and with it a secret.
std::string_view why_failed(std::optional<int> code) {
  if (!code) return "the issuer gave no answer in time";
  switch (*code) {
    case 5: return "the proxy's name is not known";
    case 6: return "the issuer's name is not known here";
    case 7: return "the issuer cannot be reached from here";
    case 28: return "the issuer gave no answer in time";
    case 35:
    case 51:
    case 58:
    case 59:
    case 60:
    case 77:
    case 83:
    case 90:
    case 91: return "who answered could not show to be the issuer (TLS)";
    case 52:
    case 56: return "the issuer closed the connection without an answer";
    default: return "curl could not ask the issuer";
  }
}

// --- What came back -------------------------------------------------------------------------------------------------

constexpr auto kBlank = "\r\n\r\n"sv;

/// "HTTP/1.1 200 OK" to 200.
std::optional<unsigned> status_in(std::string_view head) {
  const auto space = head.find(' ');
  if (!head.starts_with("HTTP/") || space == head.npos) return std::nullopt;
  const auto code = head.substr(space + 1, 3);
  if (code.size() < 3 || !std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return static_cast<unsigned>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
}

}  // namespace

Result<std::string> configuration(const Request& request, std::chrono::milliseconds most) {
  const bool is_plain = request.is_direct && request.url.starts_with("http://");
  // curl asks before it sends a body, where a server may say nothing for a second.
  std::string result = "silent\ninclude\ngloboff\nsuppress-connect-headers\nheader = \"Expect:\"\n";
  result += TRY(line("proto", is_plain ? "=http" : "=https"));
  result += TRY(line("max-time", seconds(most)));
  result += TRY(line("connect-timeout", seconds(std::min<std::chrono::milliseconds>(most, kLongestConnect))));
  if (request.is_direct) result += TRY(line("noproxy", "*"));
  result += TRY(line("request", request.method));
  result += TRY(line("url", request.url));
  for (const auto& header : request.headers) result += TRY(line("header", header));
  if (!request.body.empty()) result += TRY(line("data-raw", request.body));
  return result;
}

Result<Response> response_in(std::string_view printed) {
  for (;;) {
    const auto status = status_in(printed);
    const auto blank = printed.find(kBlank);
    if (!status || blank == printed.npos) return fail(Errc::malformed, 0, "what answered does not speak HTTP");
    printed.remove_prefix(blank + kBlank.size());
    if (*status >= 200) return Response{*status, std::string{printed}};
  }
}

Result<Response> Curl::send(const Request& request, std::chrono::milliseconds most, const std::function<bool()>& stop) {
  const auto told = TRY(configuration(request, most));
  auto input = open_pipe(), output = open_pipe();
  if (!input || !output) return fail(Errc::io, 0, "the system gives no pipe");
  if (!fill(*input, told)) return fail(Errc::unsupported, 0, "it is too long to ask about");
  const auto until = std::chrono::steady_clock::now() + most + kGrace;
  const auto child = TRY(start(input->read.get(), output->write.get()));
  output->write.close();
  const auto printed = read_some(output->read.get(), kMostBytes, until, stop);
  output->read.close();
  const auto code = end(child);
  const bool is_cut = printed.size() == kMostBytes;
  if (code != 0 && !is_cut) return fail(Errc::io, 0, why_failed(code));
  auto response = TRY(response_in(printed));
  response.cut = is_cut;
  return response;
}

}  // namespace assay::issuer
