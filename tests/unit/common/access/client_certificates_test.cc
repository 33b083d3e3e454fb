#include "common/access/client_certificates.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/access/access_state.h"
#include "common/time/clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_authority.h"

namespace alertjoin {
namespace {

std::string Read(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class ClientCertificatesTest : public ::testing::Test {
 protected:
  // Whether a certificate with these alternative names is taken where those are allowed.
  bool Takes(const std::string& names, ClientCertificates::Names allowed) {
    const ClientCertificates certificates(Read(authority_.ca_file()), std::move(allowed));
    return certificates.Take(Read(authority_.Issue("client.example", names).cert_file));
  }

  TestAuthority authority_;
};

TEST_F(ClientCertificatesTest, WithoutAListAnyNameWillDo) {
  EXPECT_TRUE(Takes("DNS:a.example", std::nullopt));
}

TEST_F(ClientCertificatesTest, OneOfTheNamesMustBeAllowed) {
  EXPECT_TRUE(Takes("DNS:a.example", {{"b.example", "a.example"}}));
  EXPECT_TRUE(Takes("DNS:a.example,DNS:b.example", {{"b.example"}}));
  EXPECT_TRUE(Takes("IP:192.0.2.7", {{"192.0.2.7"}}));
  EXPECT_TRUE(Takes("IP:2001:DB8::7", {{"2001:db8::7"}}));
  EXPECT_TRUE(Takes("email:ops@a.example", {{"ops@a.example"}}));
  EXPECT_TRUE(Takes("URI:spiffe://a.example/ingest", {{"spiffe://a.example/ingest"}}));
}

TEST_F(ClientCertificatesTest, LetterByLetter) {
  EXPECT_FALSE(Takes("DNS:a.example", {{"A.example"}}));
  EXPECT_FALSE(Takes("DNS:*.example", {{"a.example"}}));
  EXPECT_FALSE(Takes("DNS:a.example", {{"*.example"}}));
  EXPECT_FALSE(Takes("DNS:a.example", {{"example"}}));
  // The common name is none of them.
  EXPECT_FALSE(Takes("DNS:a.example", {{"client.example"}}));
}

TEST_F(ClientCertificatesTest, NobodyHasANameOfAnEmptyList) {
  EXPECT_FALSE(Takes("DNS:a.example", ClientCertificates::Names(std::in_place)));
}

TEST_F(ClientCertificatesTest, ANameIsWorthWhatItsAuthorityIs) {
  TestAuthority other;
  const ClientCertificates certificates(Read(other.ca_file()), {{"a.example"}});
  const auto stranger = authority_.Issue("client.example", "DNS:a.example");
  EXPECT_FALSE(certificates.Take(Read(stranger.cert_file)));
}

TEST_F(ClientCertificatesTest, TheListOfASecurityFileHolds) {
  const TemporaryFolder folder;
  const std::string file = folder / "web.yml";
  const auto server = authority_.Issue("server", "IP:127.0.0.1");
  const std::string chain = Read(authority_.Issue("client.example", "DNS:a.example").cert_file);
  const auto takes = [&](const std::string& names) {
    std::ofstream(file) << "tls_server_config:\n  cert_file: " << server.cert_file
                        << "\n  key_file: " << server.key_file
                        << "\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: "
                        << authority_.ca_file() << "\n"
                        << names;
    // Certificates that were just made are valid by then.
    const auto state =
        LoadAccess(file, ListenerKind::kGrpc, SystemClock().Now() + std::chrono::hours(1));
    EXPECT_THAT(state, IsOk());
    return state.ok() && (*state)->TakesCertificates(chain);
  };
  EXPECT_TRUE(takes(""));
  EXPECT_TRUE(takes("  client_allowed_sans: [a.example]\n"));
  EXPECT_FALSE(takes("  client_allowed_sans: [b.example]\n"));
  EXPECT_FALSE(takes("  client_allowed_sans: []\n"));
  EXPECT_FALSE(takes("  client_allowed_sans:\n"));
}

}  // namespace
}  // namespace alertjoin
