#include "common/access/tls_choices.h"

#include <algorithm>
#include <iterator>

namespace alertjoin {
namespace {

struct NamedSuite {
  std::string_view go_name;
  CipherSuite suite;
};
constexpr NamedSuite kSuites[] = {
    {"TLS_AES_128_GCM_SHA256", {"", TlsVersion::k13}},
    {"TLS_AES_256_GCM_SHA384", {"", TlsVersion::k13}},
    {"TLS_CHACHA20_POLY1305_SHA256", {"", TlsVersion::k13}},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", {"ECDHE-ECDSA-AES128-SHA", TlsVersion::k12}},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", {"ECDHE-ECDSA-AES256-SHA", TlsVersion::k12}},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", {"ECDHE-RSA-AES128-SHA", TlsVersion::k12}},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", {"ECDHE-RSA-AES256-SHA", TlsVersion::k12}},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", {"ECDHE-ECDSA-AES128-GCM-SHA256", TlsVersion::k12}},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", {"ECDHE-ECDSA-AES256-GCM-SHA384", TlsVersion::k12}},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", {"ECDHE-RSA-AES128-GCM-SHA256", TlsVersion::k12}},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", {"ECDHE-RSA-AES256-GCM-SHA384", TlsVersion::k12}},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
     {"ECDHE-RSA-CHACHA20-POLY1305", TlsVersion::k12}},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
     {"ECDHE-ECDSA-CHACHA20-POLY1305", TlsVersion::k12}},
};

struct NamedCurve {
  std::string_view go_name;
  std::string_view name;
};
constexpr NamedCurve kCurves[] = {
    {"CurveP256", "P-256"}, {"CurveP384", "P-384"}, {"CurveP521", "P-521"}, {"X25519", "X25519"}};

}  // namespace

std::optional<CipherSuite> FindCipherSuite(std::string_view go_name) {
  const auto* const found = std::ranges::find(kSuites, go_name, &NamedSuite::go_name);
  if (found == std::end(kSuites)) return std::nullopt;
  return found->suite;
}

std::string_view FindCurve(std::string_view go_name) {
  const auto* const found = std::ranges::find(kCurves, go_name, &NamedCurve::go_name);
  return found == std::end(kCurves) ? "" : found->name;
}

}  // namespace alertjoin
