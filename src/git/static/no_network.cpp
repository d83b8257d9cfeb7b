// The parts of libgit2 that speak to networks, as something that does not. Nothing here reads a repository over one;
// but libgit2's start-up and its table of transports name these functions, and so would link TLS, SSH, Kerberos and the
// resolver into the one static program. Defined here, none of that is in it.
//
// Called by nobody: the transports are reached through remotes and clones only.
#include <pwd.h>

#include <cerrno>
#include <cstddef>

extern "C" {

bool git_http__expect_continue = false;

int git_transport_ssh_global_init() { return 0; }
int git_mbedtls_stream_global_init() { return 0; }
int git_mbedtls__set_cert_location(const char*, const char*) { return -1; }
int git_smart_subtransport_http(void**, void*, void*) { return -1; }
int git_smart_subtransport_git(void**, void*, void*) { return -1; }
int git_smart_subtransport_ssh(void**, void*, void*) { return -1; }

/// Whose home it is matters to libgit2 only where it runs with the rights of another user. The system's own answer
/// would load libraries into this program.
int getpwuid_r(uid_t, passwd*, char*, std::size_t, passwd** found) {
  *found = nullptr;
  return ENOENT;
}

int http_parser_parse_url(const char*, std::size_t, int, void*) { return 1; }

}  // extern "C"
