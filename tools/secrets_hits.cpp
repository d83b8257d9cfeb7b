// What the scanner finds, for tools/compare_secrets.py to hold against the model.
//
//     secrets_hits < RECORDS      each record: its length as four bytes, little-endian, and so many bytes
//
// Prints "record detector begin end" for each hit, and "record cut" where something was left out.
#include <cstdio>
#include <iostream>
#include <string>

#include "secrets/secrets.h"

namespace {

using assay::secrets::detectors;
using assay::secrets::Scanner;

bool read_record(std::string& record) {
  std::uint32_t bytes = 0;
  if (!std::cin.read(reinterpret_cast<char*>(&bytes), sizeof bytes)) return false;
  record.resize(bytes);
  return static_cast<bool>(std::cin.read(record.data(), static_cast<std::streamsize>(bytes)));
}

void print_hits(Scanner& scanner, std::size_t number) {
  for (const auto& hit : scanner.finish()) {
    const auto id = detectors()[hit.detector].id;
    std::cout << number << ' ' << id << ' ' << hit.begin << ' ' << hit.end << '\n';
  }
  if (scanner.cut()) std::cout << number << " cut\n";
}

}  // namespace

int main() {
  auto scanner = Scanner::open();
  if (!scanner) {
    std::fprintf(stderr, "secrets_hits: this processor is not supported\n");
    return 1;
  }
  std::string record;
  for (std::size_t number = 0; read_record(record); ++number) {
    scanner->feed(assay::bytes::view(record));
    print_hits(*scanner, number);
  }
}
