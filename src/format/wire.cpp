#include "format/wire.h"

#include "format/codec.h"
#include "format/describe.h"

namespace assay::format {

std::string encode(const Document& document) { return encoded(document); }

Result<Document> decode(bytes::View raw) {
  auto out = TRY(decoded<Document>(raw));
  TRY(validate(out));
  return out;
}

}  // namespace assay::format
