#include "issuer/curl.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace assay::issuer {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::function<bool()> kNobodyStops;

Request get(std::string url, std::vector<std::string> headers = {}) {
  return {.method = "GET", .url = std::move(url), .headers = std::move(headers), .body = "", .is_direct = true};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

std::string told(const Request& request) {
  const auto result = configuration(request, 1s);
  EXPECT_TRUE(result);
  return result.value_or("");
}

// --- what curl is told ---

TEST(CurlConfiguration, HoldsOneOptionALine) {
  const auto lines = lines_of(told({"POST", "https://a.example/x", {"A: b"}, "c=d", false}));
  EXPECT_NE(std::ranges::find(lines, R"(url = "https://a.example/x")"), lines.end());
  EXPECT_NE(std::ranges::find(lines, R"(request = "POST")"), lines.end());
  EXPECT_NE(std::ranges::find(lines, R"(header = "A: b")"), lines.end());
  EXPECT_NE(std::ranges::find(lines, R"(data-raw = "c=d")"), lines.end());
  EXPECT_NE(std::ranges::find(lines, R"(proto = "=https")"), lines.end());
}

// Only whoever named a gateway may have secrets sent in the clear.
TEST(CurlConfiguration, GoesWithoutTlsToAGatewayOnly) {
  auto request = get("http://a.example");
  EXPECT_NE(told(request).find(R"(proto = "=http")"), std::string::npos);
  request.is_direct = false;
  EXPECT_NE(told(request).find(R"(proto = "=https")"), std::string::npos);
}

// A scanned file chooses these bytes; an option of theirs would write any file that the user can write.
TEST(CurlConfiguration, TakesNoOptionFromASecret) {
  const auto harmless = lines_of(told(get("https://a.example", {"A: x"}))).size();
  for (const auto secret : {R"(x"output = "stolen)", R"(\)", R"(\")", R"("\)", R"(x\nproxy = evil)", "x\" --output y",
                            "#", "@/etc/passwd"}) {
    const auto lines = lines_of(told(get("https://a.example", {"A: "s + secret})));
    EXPECT_EQ(lines.size(), harmless) << secret;
    for (const auto& line : lines) EXPECT_FALSE(line.starts_with("output") || line.starts_with("proxy")) << line;
  }
}

TEST(CurlConfiguration, RefusesEveryControlCharacter) {
  for (int c = 0; c < 0x80; ++c) {
    const bool is_control = c < 0x20 || c == 0x7f;
    const auto value = "x"s + static_cast<char>(c) + "y";
    EXPECT_EQ(configuration(get("https://a.example", {"A: " + value}), 1s).has_value(), !is_control) << c;
    EXPECT_EQ(configuration(get("https://a.example/" + value), 1s).has_value(), !is_control) << c;
    EXPECT_EQ(configuration({"POST", "https://a.example", {}, value, false}, 1s).has_value(), !is_control) << c;
  }
}

// --- what comes back ---

TEST(CurlResponse, IsStatusAndBody) {
  const auto response = response_in("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\nmore");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200u);
  EXPECT_EQ(response->body, "body\r\n\r\nmore");
}

TEST(CurlResponse, SkipsWhatIsSaidInBetween) {
  EXPECT_EQ(response_in("HTTP/2 103\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/2 401 \r\n\r\n")->status, 401u);
}

TEST(CurlResponse, IsNothingButHttp) {
  for (const auto bad : {"", "HTTP/1.1", "HTTP/1.1 2", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n",
                         "200 OK\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "SSH-2.0-x\r\n\r\n"})
    EXPECT_FALSE(response_in(bad)) << bad;
}

// --- the program itself, with a server of our own ---

/// Answers one connection on this machine; then it is gone.
class Server {
 public:
  explicit Server(std::string answer, std::chrono::milliseconds silence = 0ms) : answer_{std::move(answer)} {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread{[this, silence] { serve(silence); }};
  }
  ~Server() {
    thread_.join();
    ::close(listener_);
  }

  std::string url, asked;

 private:
  void serve(std::chrono::milliseconds silence) {
    const int one = ::accept(listener_, nullptr, nullptr);
    std::array<char, 4096> block{};
    while (asked.find("\r\n\r\n") == std::string::npos) {
      const auto n = ::recv(one, block.data(), block.size(), 0);
      if (n <= 0) break;
      asked.append(block.data(), static_cast<std::size_t>(n));
    }
    std::this_thread::sleep_for(silence);
    for (std::string_view rest = answer_; !rest.empty();) {
      const auto n = ::send(one, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    ::close(one);
  }

  std::string answer_;
  int listener_ = -1;
  std::thread thread_;
};

TEST(Curl, AsksAndReads) {
  Server server{"HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nbody"};
  const auto response = Curl{}.send(get(server.url + "/x?y=1", {R"(Authorization: Bearer a"b\c)"}), 5s, kNobodyStops);
  ASSERT_TRUE(response) << response.error().what;
  EXPECT_EQ(response->status, 401u);
  EXPECT_EQ(response->body, "body");
  EXPECT_TRUE(server.asked.starts_with("GET /x?y=1 HTTP/1.1\r\n")) << server.asked;
  EXPECT_NE(server.asked.find("\r\nAuthorization: Bearer a\"b\\c\r\n"), std::string::npos) << server.asked;
}

// The secret would go along to wherever the answer points.
TEST(Curl, FollowsNoRedirect) {
  Server elsewhere{"HTTP/1.1 200 OK\r\n\r\n"};
  Server server{"HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url + "/\r\nContent-Length: 0\r\n\r\n"};
  EXPECT_EQ(Curl{}.send(get(server.url), 5s, kNobodyStops)->status, 302u);
  EXPECT_TRUE(Curl{}.send(get(elsewhere.url), 5s, kNobodyStops));  // nobody had been there: it answers one only
}

TEST(Curl, KeepsLittleOfAHugeAnswer) {
  Server server{"HTTP/1.1 200 OK\r\n\r\n" + std::string(8 << 20, 'x')};
  const auto response = Curl{}.send(get(server.url), 5s, kNobodyStops);
  ASSERT_TRUE(response) << response.error().what;
  EXPECT_EQ(response->status, 200u);
  EXPECT_TRUE(response->cut);
  EXPECT_LE(response->body.size(), Curl::kMostBytes);
}

TEST(Curl, WaitsNoLongerThanItMay) {
  Server server{"HTTP/1.1 200 OK\r\n\r\n", 1500ms};
  const auto began = std::chrono::steady_clock::now();
  const auto response = Curl{}.send(get(server.url), 300ms, kNobodyStops);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1400ms);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().what, "the issuer gave no answer in time");
}

TEST(Curl, TakesNoSecretThatFitsNoPipe) {
  const auto response = Curl{}.send(get("http://127.0.0.1:1", {"A: " + std::string(1 << 20, 'x')}), 5s, kNobodyStops);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().what, "it is too long to ask about");
}

TEST(Curl, EndsWhenSomebodyWantsToStop) {
  Server server{"HTTP/1.1 200 OK\r\n\r\n", 1500ms};
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(Curl{}.send(get(server.url), 10s, [] { return true; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1400ms);
}

TEST(Curl, SaysWhatWentWrong) {
  Server server{"SSH-2.0-none\r\n"};
  EXPECT_FALSE(Curl{}.send(get(server.url), 5s, kNobodyStops));
  const auto nobody = Curl{}.send(get("http://127.0.0.1:1"), 5s, kNobodyStops);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().what, "the issuer cannot be reached from here");
  const auto no_tls = Curl{}.send(get("https://127.0.0.1:1"), 5s, kNobodyStops);
  ASSERT_FALSE(no_tls);
}

/// A folder that is all of PATH while it lives.
class Path {
 public:
  Path() : before_{std::getenv("PATH")} {
    std::string name = (std::filesystem::temp_directory_path() / "curl_test_XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    ::setenv("PATH", name.c_str(), 1);
  }
  ~Path() {
    ::setenv("PATH", before_.c_str(), 1);
    std::filesystem::remove_all(folder);
  }
  std::filesystem::path folder;

 private:
  std::string before_;
};

TEST(Curl, SaysWhereItIsNotInstalled) {
  const Path empty;
  const auto response = Curl{}.send(get("http://127.0.0.1:1"), 5s, kNobodyStops);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().what, "curl is not installed");
}

// Everybody on the machine can read a command line, and many an environment is logged.
TEST(Curl, IsToldSecretsOnItsStandardInputOnly) {
  const Path path;
  const auto program = path.folder / "curl";
  std::ofstream{program}
      << "#!/bin/sh\n{ printf '%s|' \"$@\"; echo; export; } > " << path.folder.string() << "/seen\n"
      << "printf 'HTTP/1.1 200 OK\\r\\n\\r\\n'; while read -r line; do printf '%s\\n' \"$line\"; done\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const auto response =
      Curl{}.send(get("http://127.0.0.1:1", {"Authorization: Bearer made-up-secret"}), 5s, kNobodyStops);
  ASSERT_TRUE(response) << response.error().what;
  EXPECT_NE(response->body.find("made-up-secret"), std::string::npos);  // what the script read
  std::ifstream in{path.folder / "seen"};
  const std::string seen{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_TRUE(seen.starts_with("-q|--config|-|\n")) << seen;
  EXPECT_EQ(seen.find("made-up-secret"), std::string::npos);
}

}  // namespace
}  // namespace assay::issuer
