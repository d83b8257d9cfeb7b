// Paths as text, and what stands at them.
#pragma once
#include <string>

namespace assay::convert {

/// "a.bin" of "x/a.bin"; and "x/", or "" where there is no folder in it.
std::string name_in(const std::string& path);
std::string folder_of(const std::string& path);

/// Links are followed.
bool is_folder(const std::string& path);
/// Links are not followed: one that leads nowhere exists.
bool exists(const std::string& path);

}  // namespace assay::convert
