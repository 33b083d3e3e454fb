#include "tests/support/test_authority.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr char kNewKey[] = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
constexpr char kWeakKey[] = "-newkey rsa:1024 -nodes -days 2";

void Run(const std::string& command) {
  CHECK(std::system((command + " 2>/dev/null").c_str()) == 0);  // NOLINT: no other's words in it.
}

}  // namespace

TestAuthority::TestAuthority() {
  // Without the extensions that the machine's own configuration would add.
  std::ofstream(folder_ / "conf") << "[req]\ndistinguished_name=dn\n[dn]\n";
  Run(
      fmt::format("openssl req -x509 -config {0}/conf {1} -keyout {0}/ca.key -out {0}/ca.pem "
                  "-subj '/CN=test authority' -addext basicConstraints=critical,CA:TRUE",
                  folder_.path(), kNewKey));
}

TestAuthority::Issued TestAuthority::Issue(const std::string& name,
                                           const std::string& alternative_names) {
  return IssueWith(kNewKey, name, alternative_names);
}

TestAuthority::Issued TestAuthority::IssueWeak(const std::string& name) {
  return IssueWith(kWeakKey, name, "IP:127.0.0.1");
}

TestAuthority::Issued TestAuthority::IssueWith(const std::string& key, const std::string& name,
                                               const std::string& alternative_names) {
  Issued issued{folder_ / (name + ".pem"), folder_ / (name + ".key")};
  Run(
      fmt::format("openssl req -x509 -config {0}/conf -CA {0}/ca.pem -CAkey {0}/ca.key {1} "
                  "-keyout {2} -out {3} -subj /CN={4} -addext subjectAltName={5} "
                  "-addext basicConstraints=critical,CA:FALSE",
                  folder_.path(), key, issued.key_file, issued.cert_file, name, alternative_names));
  return issued;
}

}  // namespace alertjoin
