// Who writes what in one run: two sources must not become the same file.
#pragma once
#include <filesystem>
#include <map>
#include <string>

namespace assay::convert {

class Claims {
 public:
  /// The first source that asked for `product`, where that is another one than `source`; "" otherwise.
  std::string other_owner(const std::string& product, const std::string& source) {
    const auto& owner = owners_.try_emplace(resolved(product), source).first->second;
    return resolved(owner) == resolved(source) ? "" : owner;
  }

 private:
  static std::string resolved(const std::string& path) {
    std::error_code error;
    const auto out = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
    return error ? path : out.string();
  }

  std::map<std::string, std::string> owners_;  ///< raw sources, by resolved product
};

}  // namespace assay::convert
