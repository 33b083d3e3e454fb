#include "common/access/tls_material.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "common/config/small_file.h"
#include "common/time/clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_authority.h"

namespace alertjoin {
namespace {

using absl::StatusCode;

class TlsMaterialTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const TlsServerMaterial>> Load(Millis later = Millis(0)) {
    return LoadTlsMaterial(options_, SystemClock().Now() + later);
  }
  void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  TestAuthority authority_;
  TestAuthority::Issued server_ = authority_.Issue("server", "IP:127.0.0.1");
  TestAuthority::Issued other_ = authority_.Issue("other", "IP:127.0.0.1");
  TlsServerOptions options_{.cert_file = server_.cert_file, .key_file = server_.key_file};
};

TEST_F(TlsMaterialTest, APairIsTakenWithItsExpiry) {
  options_.client_ca_file = authority_.ca_file();
  const auto material = Load();
  ASSERT_THAT(material, IsOk());
  const Millis left = (*material)->not_after - SystemClock().Now();
  EXPECT_GT(left, std::chrono::hours(47));
  EXPECT_LE(left, std::chrono::hours(48));
  EXPECT_FALSE((*material)->client_ca_pem.empty());
}

TEST_F(TlsMaterialTest, WhatIsNoPairIsRefused) {
  options_.key_file = other_.key_file;
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, other_.key_file));
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, "is not the key of the certificate"));
}

TEST_F(TlsMaterialTest, ExpiredAndNotYetValidAreRefused) {
  EXPECT_THAT(Load(std::chrono::hours(49)),
              StatusIs(StatusCode::kInvalidArgument, "has expired at "));
  EXPECT_THAT(Load(-std::chrono::hours(1)),
              StatusIs(StatusCode::kInvalidArgument, "is not valid before "));
}

TEST_F(TlsMaterialTest, WhatCannotBeReadIsNamed) {
  options_.cert_file = "/nowhere/cert.pem";
  EXPECT_THAT(Load(), StatusIs(StatusCode::kFailedPrecondition, "/nowhere/cert.pem"));
  options_.cert_file = server_.key_file;
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, "has no certificate"));
  options_.cert_file = server_.cert_file;
  options_.key_file = server_.cert_file;
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, "has no private key"));
  options_.key_file = server_.key_file;
  options_.client_ca_file = server_.key_file;
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, "client_ca_file"));
}

// It would ask at the terminal.
TEST_F(TlsMaterialTest, AKeyWithAPassphraseIsRefused) {
  const std::string locked = server_.key_file + ".locked";
  const std::string command = "openssl pkcs8 -topk8 -in " + server_.key_file + " -out " + locked +
                              " -passout pass:canary 2>/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  options_.key_file = locked;
  EXPECT_THAT(Load(), StatusIs(StatusCode::kInvalidArgument, "without a passphrase"));
}

}  // namespace
}  // namespace alertjoin
