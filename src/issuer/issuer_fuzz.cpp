#include <algorithm>
#include <cstdlib>

#include "issuer/answer.h"
#include "issuer/curl.h"
#include "issuer/request.h"

namespace {

using namespace assay::issuer;

void require(bool promise) {
  if (!promise) std::abort();
}

/// An issuer that lies. Whatever it sends is one answer, with few and printable words but for a name that it chose.
void read_answers(std::string_view printed) {
  const auto response = response_in(printed);
  if (!response) return;
  require(response->status >= 200 && response->status <= 999 && response->body.size() < printed.size());
  for (const auto& entry : table::entries) {
    const auto answer = answer_in(*response, entry);
    require(!answer.words.empty() && answer.words.size() < 400);
    const auto names = [&](auto codes) { return std::ranges::find(codes, response->status) != codes.end(); };
    if (answer.status == Status::verified) require(names(entry.verified));
    if (answer.status == Status::refused) require(names(entry.refused) || names(entry.verified));
  }
}

/// A secret that wants to be more than a value: curl reads as many lines, each with the option that it has always had.
void tell_curl(std::string_view secret) {
  const auto options = [](std::string_view text) {
    std::vector<std::string_view> result;
    while (!text.empty()) {
      const auto line = text.substr(0, text.find('\n'));
      result.push_back(line.substr(0, line.find(' ')));
      if (line.size() > result.back().size()) {
        const auto value = line.substr(result.back().size());
        require(value.starts_with(" = \"") && value.ends_with('"'));
        for (std::size_t i = 4; i + 1 < value.size(); ++i) {
          require(value[i] != '"');  // which would end the value
          if (value[i] == '\\') require(++i + 1 < value.size());
        }
      }
      text.remove_prefix(line.size() + 1);
    }
    return result;
  };
  for (const auto& entry : table::entries) {
    const auto parts = entry.parts;
    const Question usual{{parts.id, "x"}, {{parts.key, "x"}}};
    const Question asked{{parts.id, std::string{secret}}, {{parts.key, std::string{secret}}}};
    const auto request = request_for(entry, asked, "", {});
    if (!request) continue;
    require(origin_of(request->url) == origin_of(entry.url));
    const auto told = configuration(*request, std::chrono::seconds{1});
    if (told)
      require(options(*told) == options(*configuration(*request_for(entry, usual, "", {}), std::chrono::seconds{1})));
  }
}

}  // namespace

// Oracle: nobody who is asked, and nobody whose bytes are asked about, gets more than an answer out of it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > Curl::kMostBytes) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  read_answers(text);
  read_answers("HTTP/1.1 200 OK\r\n\r\n" + std::string{text});
  tell_curl(text.substr(0, 512));
  return 0;
}
