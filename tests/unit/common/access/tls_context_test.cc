#include "common/access/tls_context.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <string>

#include "common/access/tls_choices.h"
#include "common/time/clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_authority.h"

namespace alertjoin {
namespace {

constexpr const char* kSuites[] = {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                                   "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
                                   "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                                   "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
                                   "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                                   "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                                   "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                   "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                                   "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                                   "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"};
constexpr char kAes128[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
constexpr char kBoth[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

using Session = std::unique_ptr<SSL, void (*)(SSL*)>;

class TlsContextTest : public ::testing::Test {
 protected:
  absl::StatusOr<TlsContext> Make() {
    const auto material = LoadTlsMaterial(options_, SystemClock().Now());
    return material.ok() ? MakeTlsContext(**material) : material.status();
  }

  // What a client of TLS 1.2 with these ciphers and curves agrees with the server on; "": nothing.
  std::string Agree(const char* ciphers, const char* curves = "X25519:P-256:P-384") {
    const auto server_context = Make();
    EXPECT_THAT(server_context, IsOk());
    const std::shared_ptr<SSL_CTX> client_context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_max_proto_version(client_context.get(), TLS1_2_VERSION);
    EXPECT_EQ(SSL_CTX_set_cipher_list(client_context.get(), ciphers), 1);
    EXPECT_EQ(SSL_CTX_set1_groups_list(client_context.get(), curves), 1);
    const Session server(SSL_new(server_context->context.get()), &SSL_free);
    const Session client(SSL_new(client_context.get()), &SSL_free);
    BIO* of_server = nullptr;
    BIO* of_client = nullptr;
    EXPECT_EQ(BIO_new_bio_pair(&of_server, 0, &of_client, 0), 1);
    SSL_set_bio(server.get(), of_server, of_server);
    SSL_set_bio(client.get(), of_client, of_client);
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    for (int turns = 0; turns < 100; ++turns) {
      const int connected = SSL_do_handshake(client.get());
      const int accepted = SSL_do_handshake(server.get());
      if (connected == 1 && accepted == 1) return SSL_get_cipher_name(server.get());
      if (SSL_get_error(server.get(), accepted) == SSL_ERROR_SSL) return "";
    }
    return "no end";
  }

  TestAuthority authority_;
  TestAuthority::Issued issued_ = authority_.Issue("server", "IP:127.0.0.1");
  TlsServerOptions options_{.cert_file = issued_.cert_file, .key_file = issued_.key_file};
};

TEST(TlsChoices, SuitesAreThoseThatOpensslKnowsByTheSameName) {
  for (const char* const name : kSuites) {
    const auto suite = FindCipherSuite(name);
    ASSERT_TRUE(suite.has_value()) << name;
    EXPECT_EQ(suite->version, TlsVersion::k12);
    EXPECT_EQ(suite->name, OPENSSL_cipher_name(name));
  }
  EXPECT_EQ(FindCipherSuite("TLS_AES_128_GCM_SHA256")->name, "");
  EXPECT_EQ(FindCipherSuite("TLS_RSA_WITH_RC4_128_SHA"), std::nullopt);
}

TEST_F(TlsContextTest, OnlyChosenSuitesAreSpoken) {
  EXPECT_NE(Agree(kAes128), "");
  options_.ciphers = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"};
  EXPECT_TRUE(Agree(kBoth).ends_with("AES256-GCM-SHA384"));
  EXPECT_EQ(Agree(kAes128), "");
}

TEST_F(TlsContextTest, TheOrderIsTheServersUnlessItIsTheClients) {
  options_.ciphers = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
                      "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"};
  EXPECT_TRUE(Agree(kBoth).ends_with("AES256-GCM-SHA384"));
  options_.prefers_own_ciphers = false;
  EXPECT_TRUE(Agree(kBoth).ends_with("AES128-GCM-SHA256"));
}

TEST_F(TlsContextTest, OnlyChosenCurvesAreSpoken) {
  // The client names the certificate's curve as well.
  EXPECT_NE(Agree(kBoth, "X25519:P-256"), "");
  options_.curves = {std::string(FindCurve("CurveP384"))};
  EXPECT_NE(Agree(kBoth, "P-384:P-256"), "");
  EXPECT_EQ(Agree(kBoth, "X25519:P-256"), "");
}

TEST_F(TlsContextTest, EveryCurveCanBeChosen) {
  for (const char* const curve : {"CurveP256", "CurveP384", "CurveP521", "X25519"}) {
    options_.curves = {std::string(FindCurve(curve))};
    EXPECT_THAT(Make(), IsOk()) << curve;
  }
  EXPECT_EQ(FindCurve("P-256"), "");
}

}  // namespace
}  // namespace alertjoin
