// assay convert: checkpoints to safetensors, and whether two files hold the same tensors.
#include <signal.h>

#include <cstdlib>

#include "app/commands.h"
#include "base/clock.h"
#include "base/text.h"
#include "convert/report.h"

namespace assay::app {
namespace {

constexpr int kRefused = 2;

template <class Answer>
int write_answer(const Answer& answer, const Common& common, int code) {
  bool fine = true;
  for (const auto& output : common.outputs) {
    const auto text = output.format == Format::json ? to_json(answer) : to_text(answer, text_options(output, common));
    fine &= write_output(output.path, text);
  }
  return fine ? code : kRefused;
}

int check(const Common& common, const convert::Options& options) {
  if (common.paths.size() != 2) return usage_error("convert --check compares two paths");
  const bool writes = !options.output.empty() || options.shard_bytes > 0 || options.strict || options.keep_metadata ||
                      options.copy_tied || options.force || options.remove_source || options.dry_run;
  if (writes) return usage_error("convert --check writes nothing, and takes no option about writing");
  const auto out = with_progress<convert::Comparison, convert::Options>(
      options, [&](const convert::Options& how) { return convert::compare(common.paths[0], common.paths[1], how); });
  if (!out) return was_interrupted() ? kInterrupted : kRefused;
  return write_answer(*out, common, out->same ? 0 : 1);
}

}  // namespace

int run_convert(const Common& common, const convert::Options& given, bool is_check) {
  for (const auto& output : common.outputs)
    if (output.format != Format::text && output.format != Format::json)
      return usage_error("convert --format takes text or json");
  const auto policy = load_policy(common);
  if (!policy) return kUsage;
  auto options = given;
  options.limits = policy->limits;
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error with a name, not a sudden end
  if (is_check) return check(common, options);
  const auto out = with_progress<convert::Outcome, convert::Options>(options, [&](const convert::Options& how) {
    return convert::convert(common.paths, *policy, SystemClock{}.today(), how);
  });
  if (!out) return was_interrupted() ? kInterrupted : kRefused;
  return write_answer(*out, common, convert::exit_code(*out));
}

}  // namespace assay::app
