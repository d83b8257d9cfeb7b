#include "issuer/issuer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <thread>

#include "issuer/answer.h"
#include "issuer/request.h"

namespace assay::issuer {
namespace {

using Time = std::chrono::steady_clock::time_point;

const table::Entry& entry_for(std::uint32_t detector) {
  return table::entries[static_cast<std::size_t>(table::asked[detector].entry)];
}

/// One server, and the questions that go to it, by number. It gets one after another, so that nobody's rate limit turns
/// a good secret into "unreachable", and a server that hangs holds up its own line only.
class Line {
 public:
  Line(const std::vector<Question>& questions, std::vector<Answer>& answers, Transport& transport, const Manner& how,
       Time end) noexcept
      : questions_{questions}, answers_{answers}, transport_{transport}, how_{how}, end_{end} {}

  void ask(const std::vector<std::size_t>& numbers) {
    for (const auto number : numbers) answers_[number] = answer_to(questions_[number]);
  }

 private:
  Answer answer_to(const Question& question) {
    const auto& entry = entry_for(question.secret.detector);
    const auto request = request_for(entry, question, how_.gateway, how_.now);
    if (!request) return {Status::unreachable, std::string{request.error().what}};
    if (const auto reason = why_not(); !reason.empty())
      return {Status::unreachable, "not asked: " + std::string{reason}};
    const auto response = send(*request);
    if (!response) return {Status::unreachable, std::string{response.error().what}};
    return answer_in(*response, entry);
  }

  std::string_view why_not() const {
    if (wants_rest_) return "the issuer wants fewer questions";
    if (silences_ >= how_.bounds.silences) return why_silent_;
    if (how_.stop && how_.stop()) return "it was stopped";
    if (std::chrono::steady_clock::now() >= end_) return "the time for questions was up";
    return {};
  }

  Result<Response> send(const Request& request) {
    if (has_asked_) std::this_thread::sleep_for(how_.bounds.pause);
    has_asked_ = true;
    const auto left = std::chrono::floor<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
    auto response = transport_.send(request, std::min(how_.bounds.one, left), how_.stop);
    note(response);
    return response;
  }

  /// A secret that cannot be sent is no silence: two of them in a file would keep the issuer from being asked about the
  /// others.
  void note(const Result<Response>& response) {
    if (response) {
      silences_ = 0;
      wants_rest_ = response->status == 429;
    } else if (response.error().code != Errc::unsupported) {
      ++silences_;
      why_silent_ = response.error().what;
    }
  }

  const std::vector<Question>& questions_;
  std::vector<Answer>& answers_;  // each line writes its own only
  Transport& transport_;
  const Manner& how_;
  Time end_;
  unsigned silences_ = 0;
  std::string_view why_silent_;  // a literal
  bool has_asked_ = false;
  bool wants_rest_ = false;
};

/// The numbers of the questions that each server gets.
std::vector<std::vector<std::size_t>> by_server(const std::vector<Question>& questions, const Manner& how) {
  std::map<std::string_view, std::vector<std::size_t>> lines;
  for (std::size_t number = 0; number < std::min(questions.size(), how.bounds.questions); ++number) {
    const auto detector = questions[number].secret.detector;
    if (!can_ask(detector)) continue;
    lines[how.gateway.empty() ? origin_of(entry_for(detector).url) : how.gateway].push_back(number);
  }
  std::vector<std::vector<std::size_t>> result;
  for (auto& [server, numbers] : lines) result.push_back(std::move(numbers));
  return result;
}

Answer unasked(const Question& question, const Bounds& bounds) {
  if (!can_ask(question.secret.detector)) return {Status::unreachable, "no issuer is known that can be asked"};
  return {Status::unreachable, "not asked: that was done for " + std::to_string(bounds.questions) + " others"};
}

}  // namespace

std::string_view to_string(Status status) noexcept {
  constexpr std::array<std::string_view, 3> kNames{"unreachable", "refused", "verified"};
  return kNames[static_cast<std::size_t>(status)];
}

bool can_ask(std::uint32_t detector) noexcept {
  return detector < table::asked.size() && table::asked[detector].entry >= 0;
}

std::span<const std::uint32_t> partners(std::uint32_t detector) noexcept {
  return detector < table::asked.size() ? table::asked[detector].beside : std::span<const std::uint32_t>{};
}

std::vector<Answer> ask(const std::vector<Question>& questions, Transport& transport, const Manner& how) {
  std::vector<Answer> answers;
  for (const auto& question : questions) answers.push_back(unasked(question, how.bounds));
  const auto lines = by_server(questions, how);
  const auto end = std::chrono::steady_clock::now() + how.bounds.all;
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (auto mine = next++; mine < lines.size(); mine = next++)
      Line{questions, answers, transport, how, end}.ask(lines[mine]);
  };
  std::vector<std::thread> threads(std::min(how.bounds.at_once, lines.size()));
  for (auto& thread : threads) thread = std::thread{work};
  for (auto& thread : threads) thread.join();
  return answers;
}

}  // namespace assay::issuer
