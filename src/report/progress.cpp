#include "report/progress.h"

#include <utility>

#include "base/text.h"
#include "report/words.h"

namespace assay::report {
namespace {

constexpr std::chrono::seconds kPatience{1};
constexpr std::chrono::milliseconds kBetweenFrames{100};
constexpr std::string_view kWipe = "\r\x1b[K";

/// "1.2 of 5.0 GB": the unit once where both have the same.
std::string share(std::uint64_t done, std::uint64_t total) {
  auto part = human_bytes(done);
  const auto whole = human_bytes(total);
  const auto unit = part.rfind(' ');
  if (whole.ends_with(std::string_view{part}.substr(unit))) part.resize(unit);
  return part + " of " + whole;
}

}  // namespace

std::string progress_line(const Tally& tally, unsigned width) {
  const std::size_t room = width > 0 ? width - 1 : 0;
  auto line = std::string{tally.doing} + " " + grouped(tally.files_done) + "/" + grouped(tally.files_total) + " files";
  if (tally.bytes_total > 0) line += " · " + share(tally.bytes_done, tally.bytes_total);
  if (columns(line) > room) return keep_start(line, room);

  constexpr std::string_view kBetween = " · ";
  constexpr std::size_t kLeastName = 8;
  const auto left = room - columns(line);
  if (tally.current.empty() || left < columns(kBetween) + kLeastName) return line;
  line += kBetween;
  return line + keep_end(printable(tally.current), left - columns(kBetween));
}

Progress::Progress(const Clock& clock, unsigned width, Write write)
    : clock_{clock}, width_{width}, write_{std::move(write)}, next_{clock.now() + kPatience} {}

void Progress::show(const Tally& tally) {
  const auto now = clock_.now();
  if (now < next_) return;
  next_ = now + kBetweenFrames;
  drawn_ = true;
  write_(std::string{kWipe} + progress_line(tally, width_));
}

void Progress::finish() {
  if (!std::exchange(drawn_, false)) return;
  write_(kWipe);
}

}  // namespace assay::report
