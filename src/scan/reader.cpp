#include "scan/reader.h"

#include <array>
#include <cstring>

#include "bytes/spool.h"
#include "detect/detect.h"
#include "scan/exports.h"
#include "scan/judge.h"
#include "scan/user_rules.h"
#include "secrets/shown.h"

namespace assay::scan {
namespace {

format::Document nothing_read(std::uint64_t size) {
  auto out = unreadable("", size, Errc::io, "");
  out.stops.clear();
  return out;
}

/// Whether engines see the member as it lies, and so another cell may show it to them that has parsed nothing.
bool is_all_own(const OwnBytes& bytes) {
  return bytes.own.size() == 1 && bytes.own[0] == bytes::Extent{0, bytes.source.size()};
}

}  // namespace

Reader::Reader(const Options& options, bool third_party, bool exports)
    : options_{options},
      third_party_{third_party},
      exports_{exports},
      secrets_{options.fingerprint_key.empty() ? std::string{secrets::kPublicKey} : options.fingerprint_key,
               options.keep_secrets},
      yara_{options.yara ? std::string_view{options.yara->compiled} : std::string_view{},
            options.malware == Malware::full} {
  if (options.secrets) engines_.push_back(&secrets_);
  if (options.malware == Malware::on) engines_.push_back(&yara_);
}

std::string Reader::read(int descriptor, int spool, std::string_view request, const sandbox::Beat& beat) {
  std::uint64_t size = 0;
  if (request.size() <= sizeof size) return {};
  const auto task = static_cast<Task>(request[0]);
  std::memcpy(&size, request.data() + 1, sizeof size);
  const auto sent = request.substr(1 + sizeof size);
  const bytes::FileSource file{descriptor, size};
  if (size > 0 && sent.size() == size) return read(bytes::MemorySource{bytes::view(sent)}, spool, task, beat);
  if (size <= Opener::kHashed) {
    if (auto small = bytes::read_exactly(file, 0, size))
      return read(bytes::MemorySource{std::move(*small)}, spool, task, beat);
  }
  return read(file, spool, task, beat);
}

std::string Reader::read(const bytes::Source& source, int spool, Task task, const sandbox::Beat& beat) {
  if (task == Task::sweep_of_root) return sweep_root(source, beat);
  Answer answer;
  Examination how;
  how.limits = options_.limits;
  how.third_party = third_party_;
  how.care = &detect::care;
  how.sign_of_life = [&] { beat(0); };
  how.on_bytes = [&](const OwnBytes& bytes) {
    const bool leaves = task == Task::leaves_sweep && bytes.member == 0 && is_all_own(bytes);
    answer.left_sweep |= leaves;
    look_at(bytes, !leaves);
  };
  bytes::SpoolFile spool_file{spool};
  Exporter exporter{source, spool_file};
  if (exports_) how.on_member_bytes = [&](const MemberBytes& bytes) { exporter.add(bytes); };
  auto document = examine(source, spool_file, how);
  if (!document || (exporter.needs_spool() && !third_party_)) {
    secrets_.forget();
    yara_.forget();
    programs_.forget();
    return std::string{kNeedsOwnCell};
  }
  answer.document = std::move(*document);
  programs_.finish(answer.document);
  answer.exports_cut = exporter.is_cut() || exporter.needs_spool();  // the parent had none to lend
  answer.exports = exporter.take();
  return answered(std::move(answer));
}

void Reader::look_at(const OwnBytes& bytes, bool sweeps) {
  secrets_.pass_over(bytes.tensors);
  yara_.pass_over(bytes.tensors);
  if (sweeps) sweep(bytes);
  if (options_.malware != Malware::off) yara_.look_with_users(bytes);
  if (options_.malware == Malware::full) programs_.look_at(bytes);
}

void Reader::sweep(const OwnBytes& bytes) {
  sweep_.over(bytes, bytes.own, engines_);
  if (options_.malware != Malware::full) return;
  auto all = bytes.own;
  all.insert(all.end(), bytes.tensors.begin(), bytes.tensors.end());
  sweep_.over(bytes, normalised(std::move(all), bytes.source.size()), std::array<LiteralEngine*, 1>{&yara_});
}

/// The root as it lies. Who puts the two documents together knows whether all of its bytes belong to it.
std::string Reader::sweep_root(const bytes::Source& source, const sandbox::Beat& beat) {
  Answer answer;
  answer.document = nothing_read(source.size());
  bytes::Budget budget{options_.limits, source.size()};
  budget.on_check([&] { beat(0); });
  const std::vector<bytes::Extent> all{{0, source.size()}}, none;
  sweep({0, source, all, none, answer.document, budget});
  return answered(std::move(answer));
}

std::string Reader::answered(Answer answer) {
  if (options_.malware != Malware::off) yara_.finish(answer.document);
  if (options_.secrets) secrets_.finish(answer.document);
  if (options_.keep_secrets)
    for (const auto& o : answer.document.observations) answer.secrets.push_back(o.secret);
  return encode(answer, std::string{kDocument});
}

}  // namespace assay::scan
