#include "common/access/access_config.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace alertjoin {
namespace {

using absl::StatusCode;
using testing::ElementsAre;

constexpr char kHash[] = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

absl::StatusOr<AccessConfig> Http(const std::string& text) {
  return ParseAccessConfig(text, "/etc/alertjoin/web.yml", ListenerKind::kHttp);
}
absl::StatusOr<AccessConfig> Grpc(const std::string& text) {
  return ParseAccessConfig(text, "/etc/alertjoin/grpc.yml", ListenerKind::kGrpc);
}

// The first part is as exporter-toolkit's own documentation has it.
TEST(AccessConfig, ReadsEverything) {
  const auto config = Http(std::string(R"(
tls_server_config:
  cert_file: server.crt
  key_file: /run/keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]
  curve_preferences: [X25519, CurveP256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Content-Type-Options: nosniff
basic_auth_users:
  alice: )") + kHash + R"(
bearer_tokens_file: tokens
identities:
  - {name: alice, roles: [read, admin]}
  - {name: ingest-1, roles: [push]}
  - {name: nobody}
)");
  ASSERT_THAT(config, IsOk());
  ASSERT_TRUE(config->tls.has_value());
  EXPECT_EQ(config->tls->cert_file, "/etc/alertjoin/server.crt");
  EXPECT_EQ(config->tls->key_file, "/run/keys/server.key");
  EXPECT_EQ(config->tls->client_ca_file, "/etc/alertjoin/ca.crt");
  EXPECT_EQ(config->tls->client_auth, ClientAuth::kRequireAndVerifyClientCert);
  EXPECT_THAT(config->tls->ciphers,
              ElementsAre("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"));
  EXPECT_THAT(config->tls->curves, ElementsAre("X25519", "P-256"));
  EXPECT_FALSE(config->tls->prefers_own_ciphers);
  EXPECT_EQ(config->headers.size(), 2u);
  EXPECT_EQ(config->users.at("alice"), kHash);
  EXPECT_EQ(config->tokens_file, "/etc/alertjoin/tokens");
  EXPECT_EQ(config->identities.at("alice").roles, (RoleSet{Role::kRead, Role::kAdmin}));
  EXPECT_EQ(config->identities.at("ingest-1").roles, RoleSet{Role::kPush});
  EXPECT_EQ(config->identities.at("nobody").roles, RoleSet());
}

TEST(AccessConfig, EmptyIsNothing) {
  const auto config = Http("");
  ASSERT_THAT(config, IsOk());
  EXPECT_FALSE(config->tls.has_value());
  EXPECT_TRUE(config->users.empty());
}

struct Case {
  const char* text;
  const char* fault;
};

TEST(AccessConfig, AReaderMayHaveAFilter) {
  const auto config =
      Http("identities: [{name: a, roles: [read], filter: '{team=\"a\"}'}, {name: b}]");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->identities.at("a").filter, *ParseMatchers("team=a"));
  EXPECT_TRUE(config->identities.at("b").filter.empty());
}

TEST(AccessConfig, FaultsSayWhereAndWhat) {
  const Case cases[] = {
      {"tls_server_config: {cert_file: a}", "needs both, cert_file and key_file"},
      {"tls_server_config: {cert_file: a, key_file: b, client_auth_type: Maybe}",
       "expected NoClientCert"},
      {"tls_server_config: {cert_file: a, key_file: b, client_auth_type: "
       "RequireAndVerifyClientCert}",
       "client_ca_file goes with"},
      {"tls_server_config: {cert_file: a, key_file: b, client_allowed_sans: [c]}",
       "goes with client_ca_file"},
      {"tls_server_config: {cert_file: a, key_file: b, client_ca_file: c, "
       "client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: ['']}",
       "expected a DNS name"},
      {"tls_server_config: {cert_file: a, key_file: b, client_ca_file: c}",
       "client_ca_file goes with"},
      {"tls_server_config: {cert_file: a, key_file: b, min_version: TLS11}",
       "older versions are not spoken"},
      {"tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}",
       "max_version is below"},
      {"tls_server_config: {cert_file: a, key_file: b, cipher_suites: [RC4]}",
       "expected a cipher suite as Go names it"},
      {"tls_server_config: {cert_file: a, key_file: b, cipher_suites: [TLS_AES_128_GCM_SHA256]}",
       "none is of TLS 1.2"},
      {"tls_server_config: {cert_file: a, key_file: b, curve_preferences: [P-256]}",
       "expected CurveP256"},
      {"tls_server_config: {cert_file: a, key_file: b, key: c}", "unknown key"},
      {"http_server_config: {http2: true}", "HTTP/2 is not spoken"},
      {"http_server_config: {headers: {\"X Y\": z}}", "a header has a name"},
      {"http_server_config: {headers: {X: \"a\\r\\nSet-Cookie: b\"}}", "a header has a name"},
      {"http_server_config: {headers: {Content-Length: 5}}", "cannot be set here"},
      {"basic_auth_users: {alice: canary-password}", "expected a bcrypt hash"},
      {"basic_auth_users: {\"a b\": x}", "the name of a user"},
      {"identities: [{name: a, roles: [write]}]", "expected push, read or admin"},
      {"identities: [{name: a}, {name: a}]", "is there already"},
      {"identities: [{roles: [read]}]", "name"},
      {"identities: [{name: a, roles: [read], filter: '{team='}]", "expected"},
      {"identities: [{name: a, roles: [read], filter: ''}]", "expected 1 to 16 matchers"},
      {"identities: [{name: a, roles: [push], filter: team=a}]", "those who have the role read"},
      {"users: {}", "unknown key"},
  };
  for (const Case& c : cases) {
    const auto config = Http(c.text);
    EXPECT_THAT(config, StatusIs(StatusCode::kInvalidArgument, c.fault)) << c.text;
    EXPECT_THAT(config, StatusIs(StatusCode::kInvalidArgument, "/etc/alertjoin/web.yml:1:"));
    EXPECT_EQ(MessageOf(config.status()).find("canary"), std::string::npos);
  }
}

TEST(AccessConfig, GrpcHasNoSecretsInTheOpenAndNothingOfHttp) {
  EXPECT_THAT(Grpc(std::string("basic_auth_users: {alice: ") + kHash + "}"),
              StatusIs(StatusCode::kInvalidArgument, "need tls_server_config"));
  EXPECT_THAT(Grpc("bearer_tokens_file: tokens"),
              StatusIs(StatusCode::kInvalidArgument, "need tls_server_config"));
  EXPECT_THAT(Grpc("http_server_config: {http2: false}"),
              StatusIs(StatusCode::kInvalidArgument, "unknown key"));
  EXPECT_THAT(Grpc("tls_server_config: {cert_file: a, key_file: b, min_version: TLS13}"),
              StatusIs(StatusCode::kInvalidArgument, "cannot be kept from one"));
  EXPECT_THAT(Grpc("tls_server_config: {cert_file: a, key_file: b, min_version: TLS12}"), IsOk());
  for (const char* const choice :
       {"cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]", "curve_preferences: [X25519]",
        "prefer_server_cipher_suites: true"}) {
    EXPECT_THAT(Grpc(std::string("tls_server_config: {cert_file: a, key_file: b, ") + choice + "}"),
                StatusIs(StatusCode::kInvalidArgument, "has its own choice"));
  }
}

}  // namespace
}  // namespace alertjoin
