# ASSAY_RULES_DATA: the C++ file into which tools/compile_rules.py turns rules/**/*.toml.
# ASSAY_TIED_DATA: the one into which tools/compile_tied_weights.py turns rules/tied_weights.toml.
# ASSAY_SECRETS_DATA: the ones into which tools/compile_secrets.py and tools/compile_keywords.cpp turn rules/secrets/*.toml.
# ASSAY_ISSUERS_DATA: the one into which tools/compile_issuers.py turns rules/secrets/verification.toml.
# ASSAY_SECRETS_SAMPLES: the samples of its tests, by tools/expand_secrets.py.
# All are compiled in, so that starting the program reads no such files.
set(ASSAY_TIED_FILE ${PROJECT_SOURCE_DIR}/rules/tied_weights.toml)
file(GLOB_RECURSE ASSAY_RULE_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rules/*.toml)
file(GLOB ASSAY_SECRET_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rules/secrets/*.toml)
list(REMOVE_ITEM ASSAY_RULE_FILES ${ASSAY_TIED_FILE} ${ASSAY_SECRET_FILES})
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

set(ASSAY_SECRETS_TABLES ${PROJECT_BINARY_DIR}/generated/secrets_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_SECRETS_TABLES}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/compile_secrets.py ${PROJECT_SOURCE_DIR}/rules/secrets
          ${ASSAY_SECRETS_TABLES}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/compile_secrets.py ${PROJECT_SOURCE_DIR}/tools/secrets_model.py ${ASSAY_SECRET_FILES}
  COMMENT "Compiling rules/secrets/"
  VERBATIM)
set(ASSAY_SECRETS_DATABASE ${PROJECT_BINARY_DIR}/generated/secrets_database.cpp)
add_custom_command(
  OUTPUT ${ASSAY_SECRETS_DATABASE}
  COMMAND compile_keywords ${ASSAY_SECRETS_DATABASE}
  DEPENDS compile_keywords
  COMMENT "Compiling the keywords of rules/secrets/"
  VERBATIM)
set(ASSAY_SECRETS_DATA ${ASSAY_SECRETS_TABLES} ${ASSAY_SECRETS_DATABASE})
set(ASSAY_SECRETS_SAMPLES ${PROJECT_BINARY_DIR}/generated/secrets_samples.cpp)
add_custom_command(
  OUTPUT ${ASSAY_SECRETS_SAMPLES}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/expand_secrets.py ${PROJECT_SOURCE_DIR}/rules/secrets
          ${ASSAY_SECRETS_SAMPLES}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/expand_secrets.py ${PROJECT_SOURCE_DIR}/tools/compile_secrets.py
          ${PROJECT_SOURCE_DIR}/tools/secrets_model.py ${PROJECT_SOURCE_DIR}/tools/secrets_templates.py
          ${ASSAY_SECRET_FILES}
  COMMENT "Expanding the samples of rules/secrets/"
  VERBATIM)
set(ASSAY_ISSUERS_DATA ${PROJECT_BINARY_DIR}/generated/issuers_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_ISSUERS_DATA}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/compile_issuers.py ${PROJECT_SOURCE_DIR}/rules/secrets
          ${ASSAY_ISSUERS_DATA}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/compile_issuers.py ${PROJECT_SOURCE_DIR}/tools/compile_secrets.py
          ${PROJECT_SOURCE_DIR}/tools/secrets_model.py ${ASSAY_SECRET_FILES}
  COMMENT "Compiling rules/secrets/verification.toml"
  VERBATIM)
