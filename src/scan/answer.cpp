#include "scan/answer.h"

#include "format/codec.h"
#include "format/describe.h"

namespace assay::scan {

template <class Codec>
void describe(Codec& c, Export& v) {
  c("member", v.member);
  c("spooled", v.spooled);
  c("offset", v.offset);
  c("length", v.length);
  c("tensors", v.tensors);
}
template <class Codec>
void describe(Codec& c, Answer& v) {
  c("document", v.document);
  c("secrets", v.secrets);
  c("left_sweep", v.left_sweep);
  c("exports", v.exports);
  c("exports_cut", v.exports_cut);
}

std::string encode(const Answer& answer, std::string out) { return format::encoded(answer, std::move(out)); }

Result<Answer> decode(bytes::View raw) {
  auto out = TRY(format::decoded<Answer>(raw));
  TRY(format::validate(out.document));
  if (out.secrets.empty()) return out;
  if (out.secrets.size() != out.document.observations.size())
    return fail(Errc::malformed, 0, "secrets without an observation");
  for (std::size_t i = 0; i < out.secrets.size(); ++i) out.document.observations[i].secret = std::move(out.secrets[i]);
  out.secrets.clear();
  return out;
}

}  // namespace assay::scan
