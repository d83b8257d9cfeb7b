// The names that Python 3 maps when it reads a pickle of protocol 0 to 2 (Lib/_compat_pickle.py).
#pragma once
#include <string_view>
#include <utility>

namespace assay::format::pickle {

/// (module, name) as Python 3 looks them up; unchanged where no mapping exists.
std::pair<std::string_view, std::string_view> from_python2(std::string_view module, std::string_view name) noexcept;

}  // namespace assay::format::pickle
