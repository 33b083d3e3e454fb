#pragma once

// A security file in a folder of the test's own, and an AccessControl over it.

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "common/access/access_control.h"
#include "tests/support/manual_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_authority.h"

namespace alertjoin {

using absl::StatusCode;
using Outcome = AccessControl::Verdict::Outcome;

// Of "correct horse".
inline constexpr char kHash[] = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
inline const std::string kReader =
    "reader ba5005a40cf5212e4ac0190104cc127edab013294bb71279a975b27a80982d45\n";
inline const std::string kPusher =
    "pusher bf77905ed28e8a4f379c1da6826547a9e9d2dd4a2908e05d7889f0d415ace350\n";
inline const std::string kAdmin =
    "admin 10a4c7c9fc5206d6f36dc6944a81bb6f4a3cb0e25014ae3b12e6c3e52712292a\n";
inline constexpr char kList[] = "/alertjoin.v1.CorrelatorService/ListJoinedRows";
inline constexpr char kTlsOnly[] = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n";
inline constexpr char kPush[] = "/alertjoin.v1.IngestService/PushEvents";

inline std::string Basic(const std::string& pair) { return "Basic " + absl::Base64Escape(pair); }

class AccessControlTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    // As tools do it: the new file takes the place of the old one.
    std::ofstream(folder_ / "new") << text;
    std::filesystem::rename(folder_ / "new", folder_ / name);
  }
  static std::string Read(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void Replace(const std::string& from, const std::string& name) {
    std::filesystem::copy_file(from, folder_ / "new");
    std::filesystem::rename(folder_ / "new", folder_ / name);
  }
  absl::Status Open(const std::string& config) {
    Write("web.yml", config);
    auto opened = AccessControl::Open(folder_ / "web.yml", ListenerKind::kHttp, clock_, registry_);
    if (opened.ok()) control_ = *std::move(opened);
    return opened.status();
  }
  void OpenWithTokens() {
    Write("tokens", kReader + kPusher + kAdmin);
    ASSERT_THAT(Open(std::string("bearer_tokens_file: tokens\nbasic_auth_users: {ann: ") + kHash +
                     "}\nidentities:\n- {name: reader, roles: [read]}\n"
                     "- {name: pusher, roles: [push]}\n- {name: admin, roles: [admin]}\n"
                     "- {name: ann, roles: [read, push]}\n- {name: ingest-1, roles: [push]}\n"),
                IsOk());
  }
  Outcome Rpc(const std::string& method, const std::string& authorization,
              const std::string& certificate = "") {
    return control_->CheckRpc(method, {authorization, certificate}).outcome;
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }
  bool HasMetric(const std::string& line) {
    return Metrics().find(line + "\n") != std::string::npos;
  }

  TemporaryFolder folder_;
  prometheus::Registry registry_;
  // Ahead of the machine's: certificates of the test's own, made while it runs, are valid by it.
  ManualClock clock_{SystemClock().Now() + std::chrono::hours(1)};
  std::unique_ptr<AccessControl> control_;
};

}  // namespace alertjoin
