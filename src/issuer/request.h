// What is asked of an issuer, as verification.toml describes it.
#pragma once
#include <chrono>

#include "issuer/issuer.h"
#include "issuer/table.h"

namespace assay::issuer {

/// "https://api.github.com" of a link into it.
std::string_view origin_of(std::string_view url) noexcept;

/// Errc::unsupported, with words for people, where a part is missing that the secret works with. With a gateway the
/// path goes to it, and the header Host says whom the question is for.
Result<Request> request_for(const table::Entry& entry, const Question& question, const std::string& gateway,
                            std::chrono::sys_seconds now);

}  // namespace assay::issuer
