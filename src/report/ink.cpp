#include "report/ink.h"

namespace assay::report {

using finding::Status;

std::string_view code_of(Ink ink) {
  switch (ink) {
    case Ink::plain: return "";
    case Ink::strong: return "\x1b[1m";
    case Ink::faint: return "\x1b[2m";
    case Ink::red: return "\x1b[1;31m";
    case Ink::yellow: return "\x1b[1;33m";
    case Ink::magenta: return "\x1b[35m";
    case Ink::blue: return "\x1b[94m";
    case Ink::cyan: return "\x1b[36m";
    case Ink::green: return "\x1b[32m";
  }
  return "";
}

Ink ink_of(Status status) {
  switch (status) {
    case Status::safe: return Ink::green;
    case Status::caution: return Ink::cyan;
    case Status::queued:
    case Status::unscanned: return Ink::blue;
    case Status::error: return Ink::magenta;
    case Status::suspicious: return Ink::yellow;
    case Status::unsafe: return Ink::red;
  }
  return Ink::plain;
}

}  // namespace assay::report
