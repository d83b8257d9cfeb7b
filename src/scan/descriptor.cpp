#include "scan/descriptor.h"

#include <cstdlib>

namespace assay::scan {

Descriptor temporary_file(const std::string& folder) {
  Descriptor fd{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  if (fd) return fd;
  auto name = folder + "/assay-spool-XXXXXX";  // file systems without O_TMPFILE
  fd = Descriptor{::mkostemp(name.data(), O_CLOEXEC)};
  if (fd) ::unlink(name.c_str());
  return fd;
}

}  // namespace assay::scan
