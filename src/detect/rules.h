// What a callable is, and how a structural oddity weighs: the rules of rules/**/*.toml, compiled in.
//
// Everything returned lives as long as the program. No function here allocates, but names_of().
// docs/rules.md describes the format and what each effect and condition means.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "finding/finding.h"

namespace assay::detect {

/// What calling a name does. The order is that of rules/: sinks first.
enum class Effect : std::uint8_t {
  executes,   ///< runs processes or commands
  evaluates,  ///< evaluates Python code or bytecode, or makes functions out of it
  imports,    ///< imports modules by name
  native,     ///< loads machine code
  files,      ///< reads, writes or deletes files
  network,    ///< opens connections
  loads,      ///< loads another pickle or model
  tampers,    ///< changes the running interpreter
  resolves,   ///< turns text into objects; judged by what it resolves to
  value,      ///< plain data: nothing happens
  library,    ///< runs a known library's own code
};
inline constexpr Effect kLastEffect = Effect::library;

/// Whether a call of it does harm whatever its arguments: everything from executes to tampers.
bool is_sink(Effect effect) noexcept;
std::string_view to_string(Effect effect) noexcept;

struct Rule {
  std::string_view id;  ///< stable: "pickle.call.os-system"
  Effect effect;
  std::string_view condition;  ///< a word: harmless only where the arguments meet it; "" for none
  std::string_view says;       ///< completes "loading this file ..."
  std::string_view remedy;     ///< what to do now; "" where nothing is wrong
  std::string_view library;    ///< people's name of the package; "" for the standard library
  std::span<const std::string_view> references;
};

enum class Match : std::uint8_t {
  none,
  exact,         ///< the name itself is listed
  prefix,        ///< a module or class around it is listed as "os.*"
  class_prefix,  ///< it lies below a prefix whose classes NEWOBJ may make; says nothing of functions
};

struct Found {
  const Rule* rule = nullptr;
  Match match = Match::none;
};

/// The rule for `module`.`name`. The exact name wins, then the longest listed prefix that ends at a
/// component boundary, then (of equal length) prefix over class prefix. "os.*" also matches "os".
/// Either part may be empty; both may hold any bytes. Costs one pass over at most as many bytes as
/// the longest listed name has.
Found find_rule(std::string_view module, std::string_view name) noexcept;

/// True where `dotted` is, or lies inside, a module all of whose members are sinks: "os", "os.path".
bool is_sink_module(std::string_view dotted) noexcept;

/// The harmful rule that a dotted `name` reaches through a module that its own module imported:
/// ("torch.serialization", "os.system") finds os.system. A name of one component finds nothing,
/// because a function may well be called "select".
Found find_reexported(std::string_view name) noexcept;

struct StructureRule {
  std::string_view id;  ///< as in format::Quirk::id: "zip.duplicate-differs"
  finding::Severity severity;
  std::string_view says;  ///< a sentence
  std::string_view remedy;
  std::span<const std::string_view> references;
};

/// nullptr where no rule has this id.
const StructureRule* find_structure(std::string_view id) noexcept;

std::span<const Rule> all_rules() noexcept;                     ///< by id
std::span<const StructureRule> all_structure_rules() noexcept;  ///< by id

/// 12 hex digits over the content of all rules, whatever their order or layout.
std::string_view rule_set_version() noexcept;

/// Every dotted pattern of a rule, sorted: "os.system", "os.*", and "sklearn (classes)" for a class
/// prefix. `rule` is one of all_rules().
std::vector<std::string> names_of(const Rule& rule);

}  // namespace assay::detect
