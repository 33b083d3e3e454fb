#pragma once

#include <string>

#include "tests/support/temporary_folder.h"

namespace alertjoin {

// A certificate authority of the test's own, made with the openssl command. What it makes is gone
// with it. Aborts when openssl fails.
class TestAuthority {
 public:
  TestAuthority();

  struct Issued {
    std::string cert_file;
    std::string key_file;
  };
  // A certificate for servers with these names, such as "DNS:a.example,IP:127.0.0.1", or for
  // clients, where `name` is who they are.
  Issued Issue(const std::string& name, const std::string& alternative_names = "DNS:client");
  // One that is valid, with a key that is too weak for TLS.
  Issued IssueWeak(const std::string& name);

  std::string ca_file() const { return folder_ / "ca.pem"; }

 private:
  Issued IssueWith(const std::string& key, const std::string& name,
                   const std::string& alternative_names);

  TemporaryFolder folder_;
};

}  // namespace alertjoin
