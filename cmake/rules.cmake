# ASSAY_RULES_DATA: the C++ file into which tools/compile_rules.py turns rules/**/*.toml.
# ASSAY_TIED_DATA: the one into which tools/compile_tied_weights.py turns rules/tied_weights.toml.
# ASSAY_SECRETS_DATA: the one into which tools/compile_secrets.py turns rules/secrets/*.toml.
# ASSAY_ISSUERS_DATA: the one into which tools/compile_issuers.py turns rules/secrets/verification.toml.
# ASSAY_SECRETS_SAMPLES: the samples of its tests, by tools/expand_secrets.py.
# ASSAY_YARA_DATA: the file into which tools/compile_yara.cpp turns rules/yara/*.yar.
# ASSAY_LITERALS_DATA: what tools/compile_literals.cpp makes of the keywords and anchors in both.
# ASSAY_YARA_SAMPLES: the samples of its tests, by tools/expand_yara_samples.py.
# All are compiled in, so that starting the program reads no such files.
set(ASSAY_TIED_FILE ${PROJECT_SOURCE_DIR}/rules/tied_weights.toml)
file(GLOB_RECURSE ASSAY_RULE_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rules/*.toml)
file(GLOB ASSAY_SECRET_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rules/secrets/*.toml)
set(ASSAY_YARA_SAMPLES_FILE ${PROJECT_SOURCE_DIR}/rules/yara/samples.toml)
list(REMOVE_ITEM ASSAY_RULE_FILES ${ASSAY_TIED_FILE} ${ASSAY_SECRET_FILES} ${ASSAY_YARA_SAMPLES_FILE})
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

set(ASSAY_SECRETS_DATA ${PROJECT_BINARY_DIR}/generated/secrets_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_SECRETS_DATA}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/compile_secrets.py ${PROJECT_SOURCE_DIR}/rules/secrets
          ${ASSAY_SECRETS_DATA}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/compile_secrets.py ${PROJECT_SOURCE_DIR}/tools/secrets_model.py
          ${PROJECT_SOURCE_DIR}/tools/secrets_shape.py ${ASSAY_SECRET_FILES}
  COMMENT "Compiling rules/secrets/"
  VERBATIM)
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

file(GLOB ASSAY_YARA_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rules/yara/*.yar)
set(ASSAY_YARA_DATA ${PROJECT_BINARY_DIR}/generated/yara_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_YARA_DATA}
  COMMAND compile_yara ${ASSAY_YARA_DATA} ${ASSAY_YARA_FILES}
  DEPENDS compile_yara ${ASSAY_YARA_FILES}
  COMMENT "Compiling rules/yara/"
  VERBATIM)
set(ASSAY_LITERALS_DATA ${PROJECT_BINARY_DIR}/generated/literals_data.cpp)
add_custom_command(
  OUTPUT ${ASSAY_LITERALS_DATA}
  COMMAND compile_literals ${ASSAY_LITERALS_DATA}
  DEPENDS compile_literals
  COMMENT "Compiling the literals of rules/secrets/ and rules/yara/"
  VERBATIM)
set(ASSAY_YARA_SAMPLES ${PROJECT_BINARY_DIR}/generated/yara_samples.cpp)
add_custom_command(
  OUTPUT ${ASSAY_YARA_SAMPLES}
  COMMAND /usr/bin/python3 ${PROJECT_SOURCE_DIR}/tools/expand_yara_samples.py ${ASSAY_YARA_SAMPLES_FILE}
          ${ASSAY_YARA_SAMPLES}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/expand_yara_samples.py ${ASSAY_YARA_SAMPLES_FILE}
  COMMENT "Writing down the samples of rules/yara/"
  VERBATIM)
