#include <cstdlib>

#include "report/json_document.h"

namespace {

using assay::format::Document;
using assay::report::Repository;

void must_survive(const Document& document) {
  const auto line = assay::report::to_json(document);
  const auto again = assay::report::document_from_json(line);
  if (!again || !(*again == document)) std::abort();
  for (const char c : line)
    if (c < 0x20 || c > 0x7e) std::abort();
}

void must_survive(const Repository& repository) {
  const auto line = assay::report::to_json(repository);
  const auto again = assay::report::repository_from_json(line);
  if (!again || assay::report::to_json(*again) != line) std::abort();
}

}  // namespace

// Oracle: whatever is accepted, and any bytes in any string, come back unchanged from one line of ASCII.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes{reinterpret_cast<const char*>(data), size};
  if (const auto read = assay::report::document_from_json(bytes)) must_survive(*read);
  if (const auto read = assay::report::repository_from_json(bytes)) must_survive(*read);

  Document document;
  document.schema = assay::format::kDocumentSchema;
  document.path = bytes;
  document.members.resize(1);
  document.members[0].formats = {bytes, ""};
  document.calls.resize(1);
  document.calls[0].callee.text = bytes;
  must_survive(document);
  must_survive(Repository{bytes, {{"symlink", bytes, bytes}}, size, 0});
  return 0;
}
