#include "common/access/client_certificates.h"

#include <gtest/gtest.h>

#include <fstream>

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

}  // namespace
}  // namespace alertjoin
