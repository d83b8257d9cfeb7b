# ASSAY_RULES_DATA: the C++ file into which tools/compile_rules.py turns rules/**/*.toml.
# The rules are compiled in, so that starting the program reads no rule files.
file(GLOB_RECURSE ASSAY_RULE_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rules/*.toml)
set(ASSAY_RULES_DATA ${PROJECT_BINARY_DIR}/generated/rules_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_RULES_DATA}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/compile_rules.py ${PROJECT_SOURCE_DIR}/rules ${ASSAY_RULES_DATA}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/compile_rules.py ${ASSAY_RULE_FILES}
  COMMENT "Compiling rules/"
  VERBATIM)
