#include "secrets/secrets.h"

#include "literals/literals.h"
#include "secrets/matcher.h"

namespace assay::secrets {

std::span<const Detector> detectors() noexcept { return table::detectors; }
std::string_view rule_set_version() noexcept { return table::version; }

struct Scanner::State {
  explicit State(literals::Search opened) noexcept : search{std::move(opened)} {}

  literals::Search search;
  Matcher matcher;
};

Scanner::Scanner(std::unique_ptr<State> state) noexcept : state_{std::move(state)} {}
Scanner::Scanner(Scanner&&) noexcept = default;
Scanner& Scanner::operator=(Scanner&&) noexcept = default;
Scanner::~Scanner() = default;

Result<Scanner> Scanner::open() { return Scanner{std::make_unique<State>(TRY(literals::Search::open()))}; }

void Scanner::feed(bytes::View block) {
  state_->search.scan(
      block, [&](bytes::View piece, const literals::Places& places) { state_->matcher.take(piece, places.keywords); });
}

std::vector<Hit> Scanner::finish() {
  state_->search.restart();
  return state_->matcher.finish();
}
bool Scanner::cut() const noexcept { return state_->matcher.cut(); }

}  // namespace assay::secrets
