# What `cmake --install` puts where. Included after the target `assay` exists.
include(GNUInstallDirs)

install(TARGETS assay RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/assay.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/assay.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME assay)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/_assay DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${PROJECT_SOURCE_DIR}/packaging/assay.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# --- the library: all of it in one archive, the headers that those in include/assay need, and how others find it ---
if(ASSAY_SANITIZE OR ASSAY_FUZZ)
  return()
endif()

set(archived "")
get_property(targets DIRECTORY ${PROJECT_SOURCE_DIR}/src PROPERTY BUILDSYSTEM_TARGETS)
foreach(target IN LISTS targets)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY" AND NOT target STREQUAL "assay_app")
    list(APPEND archived $<TARGET_OBJECTS:${target}>)
  endif()
endforeach()
add_library(assay_archive STATIC ${archived})
set_target_properties(assay_archive PROPERTIES OUTPUT_NAME assay LINKER_LANGUAGE CXX)
target_include_directories(assay_archive INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(assay_archive INTERFACE cxx_std_20)
install(TARGETS assay_archive EXPORT assay ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

# In src/ they include each other as "format/document.h", where they are installed as "assay/format/document.h":
# a program has folders of such names itself.
set(public_headers "")
function(install_header source name)
  set(header ${PROJECT_BINARY_DIR}/installed/assay/${name})
  get_filename_component(folder assay/${name} DIRECTORY)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/installed/${folder})
  add_custom_command(OUTPUT ${header} DEPENDS ${source} VERBATIM
                     COMMAND sed "s|^#include \"|#include \"assay/|" ${source} > ${header})
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
  set(public_headers ${public_headers} ${header} PARENT_SCOPE)
endfunction()
foreach(name assay.h convert.h safetensors.h)
  install_header(${PROJECT_SOURCE_DIR}/include/assay/${name} ${name})
endforeach()
foreach(name base/coarse_clock.h base/kept.h base/result.h bytes/budget.h bytes/coverage.h bytes/source.h bytes/spool.h bytes/view.h
             convert/convert.h convert/report.h convert/result.h detect/detect.h detect/rules.h finding/finding.h
             format/care.h format/document.h format/safetensors/safetensors.h
             report/json.h report/json_document.h report/report.h report/repository.h report/text.h
             scan/judge.h scan/scan.h scan/walk.h tensors/tensors.h verdict/policy.h)
  install_header(${PROJECT_SOURCE_DIR}/src/${name} ${name})
endforeach()
add_custom_target(assay_headers DEPENDS ${public_headers})
add_dependencies(assay assay_archive assay_headers)  # who builds the program can install all of it

# What an archive is linked with is not in it; in this order, each before those that it uses itself.
set(behind_assay git2 archive seccomp hs_runtime re2 yara jansson magic crypto lz4 zstd lzma bz2 z m)
list(TRANSFORM behind_assay PREPEND -l OUTPUT_VARIABLE behind_assay_flags)
list(JOIN behind_assay_flags " " behind_assay_flags)

# For pkg-config.
file(RELATIVE_PATH to_include_dir /${CMAKE_INSTALL_LIBDIR}/pkgconfig /${CMAKE_INSTALL_INCLUDEDIR})
configure_file(${PROJECT_SOURCE_DIR}/packaging/assay.pc.in ${PROJECT_BINARY_DIR}/assay.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/assay.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# For find_package(assay).
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/assay)
set_target_properties(assay_archive PROPERTIES EXPORT_NAME assay)
install(EXPORT assay NAMESPACE assay:: FILE assay-targets.cmake DESTINATION ${package})
configure_file(${PROJECT_SOURCE_DIR}/packaging/assay-config.cmake.in ${PROJECT_BINARY_DIR}/assay-config.cmake @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/assay-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/assay-config.cmake ${PROJECT_BINARY_DIR}/assay-config-version.cmake
        DESTINATION ${package})
