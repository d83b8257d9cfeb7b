# ASSAY_RULES_DATA: the C++ file into which tools/compile_rules.py turns rules/**/*.toml.
# ASSAY_TIED_DATA: the one into which tools/compile_tied_weights.py turns rules/tied_weights.toml.
# Both are compiled in, so that starting the program reads no such files.
set(ASSAY_TIED_FILE ${PROJECT_SOURCE_DIR}/rules/tied_weights.toml)
file(GLOB_RECURSE ASSAY_RULE_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rules/*.toml)
list(REMOVE_ITEM ASSAY_RULE_FILES ${ASSAY_TIED_FILE})
set(ASSAY_RULES_DATA ${PROJECT_BINARY_DIR}/generated/rules_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_RULES_DATA}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/compile_rules.py ${PROJECT_SOURCE_DIR}/rules ${ASSAY_RULES_DATA}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/compile_rules.py ${ASSAY_RULE_FILES}
  COMMENT "Compiling rules/"
  VERBATIM)
set(ASSAY_TIED_DATA ${PROJECT_BINARY_DIR}/generated/tied_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_TIED_DATA}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/compile_tied_weights.py ${ASSAY_TIED_FILE} ${ASSAY_TIED_DATA}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/compile_tied_weights.py ${ASSAY_TIED_FILE}
  COMMENT "Compiling rules/tied_weights.toml"
  VERBATIM)
