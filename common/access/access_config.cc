#include "common/access/access_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "common/access/password_check.h"
#include "common/access/tls_choices.h"
#include "common/access/token_list.h"
#include "common/config/yaml_reader.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

// What the server says by itself.
constexpr std::array<std::string_view, 6> kReservedHeaders = {
    "connection", "content-length", "content-type", "date", "transfer-encoding", "www-authenticate",
};

ClientAuth ReadClientAuth(YamlNode node) {
  const std::string name = node.String("");
  if (name.empty() || name == "NoClientCert") return ClientAuth::kNoClientCert;
  if (name == "RequestClientCert") return ClientAuth::kRequestClientCert;
  if (name == "RequireAnyClientCert") return ClientAuth::kRequireAnyClientCert;
  if (name == "VerifyClientCertIfGiven") return ClientAuth::kVerifyClientCertIfGiven;
  if (name == "RequireAndVerifyClientCert") return ClientAuth::kRequireAndVerifyClientCert;
  node.Fault(
      "expected NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
      "RequireAndVerifyClientCert");
  return ClientAuth::kNoClientCert;
}

TlsVersion ReadVersion(YamlNode node, TlsVersion default_value, ListenerKind kind) {
  if (!node.present()) return default_value;
  const std::string name = node.String("");
  const TlsVersion version = name == "TLS13" ? TlsVersion::k13 : TlsVersion::k12;
  if (name != "TLS12" && name != "TLS13") {
    node.Fault("expected TLS12 or TLS13: older versions are not spoken");
  } else if (kind == ListenerKind::kGrpc && version != default_value) {
    node.Fault("this gRPC library speaks both, TLS12 and TLS13, and cannot be kept from one");
  }
  return version;
}

// What this gRPC library does not let its servers choose.
bool IsOfHttp(const YamlNode& node, ListenerKind kind) {
  if (kind == ListenerKind::kHttp || !node.present()) return true;
  node.Fault("this gRPC library has its own choice: leave it out");
  return false;
}

void ReadCipherSuites(YamlNode node, TlsServerOptions& tls) {
  std::vector<YamlNode> items = node.Items();
  for (YamlNode& item : items) {
    const auto suite = FindCipherSuite(item.String(""));
    if (!suite.has_value()) {
      item.Fault(
          "expected a cipher suite as Go names it and holds it safe, such as "
          "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    } else if (!suite->name.empty()) {
      tls.ciphers.emplace_back(suite->name);
    }
  }
  if (!items.empty() && tls.ciphers.empty() && tls.min_version == TlsVersion::k12) {
    node.Fault("none is of TLS 1.2: name one, or say min_version: TLS13");
  }
}

void ReadCurves(YamlNode node, TlsServerOptions& tls) {
  for (YamlNode& item : node.Items()) {
    const std::string_view curve = FindCurve(item.String(""));
    if (curve.empty()) item.Fault("expected CurveP256, CurveP384, CurveP521 or X25519");
    tls.curves.emplace_back(curve);
  }
}

// An empty list is one, too: nobody has any of its names.
std::optional<std::vector<std::string>> ReadNames(YamlNode node, bool verifies) {
  if (!node.given()) return std::nullopt;
  if (!verifies)
    node.Fault("goes with client_ca_file: a name that nobody has checked says nothing");
  std::vector<std::string> names;
  for (YamlNode& item : node.Items()) {
    names.push_back(item.String(""));
    if (names.back().empty()) item.Fault("expected a DNS name, an IP or e-mail address, or a URI");
  }
  return names;
}

std::optional<TlsServerOptions> ReadTls(YamlNode node, ListenerKind kind) {
  if (!node.present()) return std::nullopt;
  TlsServerOptions tls;
  tls.cert_file = node.Child("cert_file").FilePath();
  tls.key_file = node.Child("key_file").FilePath();
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    node.Fault("tls_server_config needs both, cert_file and key_file");
  }
  YamlNode auth = node.Child("client_auth_type");
  tls.client_auth = ReadClientAuth(auth);
  tls.client_ca_file = node.Child("client_ca_file").FilePath();
  const bool verifies = tls.client_auth == ClientAuth::kVerifyClientCertIfGiven ||
                        tls.client_auth == ClientAuth::kRequireAndVerifyClientCert;
  if (verifies != !tls.client_ca_file.empty()) {
    (auth.present() ? auth : node)
        .Fault(
            "client_ca_file goes with client_auth_type VerifyClientCertIfGiven or "
            "RequireAndVerifyClientCert, and they with it");
  }
  tls.client_allowed_sans = ReadNames(node.Child("client_allowed_sans"), verifies);
  tls.min_version = ReadVersion(node.Child("min_version"), tls.min_version, kind);
  YamlNode max_version = node.Child("max_version");
  tls.max_version = ReadVersion(max_version, tls.max_version, kind);
  if (tls.max_version < tls.min_version) max_version.Fault("max_version is below min_version");
  YamlNode suites = node.Child("cipher_suites");
  if (IsOfHttp(suites, kind)) ReadCipherSuites(suites, tls);
  YamlNode curves = node.Child("curve_preferences");
  if (IsOfHttp(curves, kind)) ReadCurves(curves, tls);
  YamlNode prefers = node.Child("prefer_server_cipher_suites");
  if (IsOfHttp(prefers, kind)) tls.prefers_own_ciphers = prefers.Bool(true);
  node.Finish();
  return tls;
}

std::vector<std::pair<std::string, std::string>> ReadHeaders(YamlNode node) {
  std::vector<std::pair<std::string, std::string>> headers = node.StringMap();
  for (const auto& [name, value] : headers) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool is_name = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
    const bool is_value = std::ranges::all_of(
        value, [](unsigned char c) { return c >= 0x20 && c != 0x7f && c < 0x80; });
    if (!is_name || !is_value) {
      node.Fault("a header has a name of letters, digits and '-', and a value of one ASCII line");
    } else if (std::ranges::find(kReservedHeaders, lower) != kReservedHeaders.end()) {
      node.Fault("the header " + name + " cannot be set here");
    }
  }
  return headers;
}

void ReadHttp(YamlNode node, AccessConfig& config) {
  YamlNode http2 = node.Child("http2");
  if (http2.Bool(false)) http2.Fault("HTTP/2 is not spoken here: leave it out, or say false");
  config.headers = ReadHeaders(node.Child("headers"));
  node.Finish();
}

std::map<std::string, std::string> ReadUsers(YamlNode node) {
  std::map<std::string, std::string> users;
  for (auto& [name, child] : node.Entries()) {
    const std::string hash = child.String("");
    if (!IsIdentityName(name)) {
      child.Fault("the name of a user has at most 128 letters, digits and ._-@:/");
    } else if (name.find(':') != name.npos) {
      child.Fault("the name of a user with a password has no ':'");
    } else if (!IsBcryptHash(hash)) {
      child.Fault(
          "expected a bcrypt hash of a cost of 4 to 14, as htpasswd -nB gives it; it is not shown "
          "here");
    }
    users.emplace(name, hash);
  }
  return users;
}

// The filters of requests are added to it.
constexpr size_t kFilterMatchersMax = 16;

Matchers ReadFilter(YamlNode node, RoleSet roles) {
  if (!node.present()) return {};
  const auto matchers = ParseMatchers(node.String(""));
  if (!matchers.ok()) {
    node.Fault(MessageOf(matchers.status()));
    return {};
  }
  if (matchers->empty() || matchers->size() > kFilterMatchersMax) {
    node.Fault(
        fmt::format("expected 1 to {} matchers, as in {{team=\"a\"}}; without `filter` "
                    "everything is seen",
                    kFilterMatchersMax));
  } else if (!roles.HasAnyOf({Role::kRead})) {
    node.Fault("a filter is of those who have the role read");
  }
  return *matchers;
}

std::map<std::string, IdentityRules> ReadIdentities(YamlNode node) {
  std::map<std::string, IdentityRules> identities;
  for (YamlNode& item : node.Items()) {
    YamlNode name = item.Child("name");
    const std::string text = name.RequiredString();
    if (name.present() && !IsIdentityName(text)) {
      name.Fault("the name of an identity has at most 128 letters, digits and ._-@:/");
    }
    RoleSet roles;
    for (YamlNode& role : item.Child("roles").Items()) {
      const std::string role_name = role.String("");
      if (role_name == "push") {
        roles.Add(Role::kPush);
      } else if (role_name == "read") {
        roles.Add(Role::kRead);
      } else if (role_name == "admin") {
        roles.Add(Role::kAdmin);
      } else {
        role.Fault("expected push, read or admin");
      }
    }
    Matchers filter = ReadFilter(item.Child("filter"), roles);
    item.Finish();
    if (!identities.emplace(text, IdentityRules{roles, std::move(filter)}).second) {
      name.Fault("this identity is there already");
    }
  }
  return identities;
}

absl::StatusOr<AccessConfig> Read(YamlDocument document, ListenerKind kind) {
  AccessConfig config;
  YamlNode root = document.root();
  config.tls = ReadTls(root.Child("tls_server_config"), kind);
  if (kind == ListenerKind::kHttp) ReadHttp(root.Child("http_server_config"), config);
  YamlNode users = root.Child("basic_auth_users");
  config.has_users = users.given();
  config.users = ReadUsers(users);
  YamlNode tokens = root.Child("bearer_tokens_file");
  config.tokens_file = tokens.FilePath();
  if (tokens.given() && config.tokens_file.empty()) {
    tokens.Fault("expected the name of a file; without tokens leave the key out");
  }
  YamlNode identities = root.Child("identities");
  config.has_identities = identities.given();
  config.identities = ReadIdentities(identities);
  if (kind == ListenerKind::kGrpc && !config.tls.has_value() && config.wants_identities()) {
    root.Fault(
        "users, tokens and identities of gRPC need tls_server_config: without it secrets would be "
        "sent in the open");
  }
  root.Finish();
  RETURN_IF_ERROR(document.status());
  return config;
}

}  // namespace

absl::StatusOr<AccessConfig> ReadAccessConfig(const std::string& path, ListenerKind kind) {
  return Read(YamlDocument::FromFile(path), kind);
}

absl::StatusOr<AccessConfig> ParseAccessConfig(std::string_view text, const std::string& name,
                                               ListenerKind kind) {
  return Read(YamlDocument(text, name), kind);
}

}  // namespace alertjoin
