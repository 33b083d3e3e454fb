#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/access/role.h"
#include "common/access/tls_material.h"
#include "common/text/matchers.h"

namespace alertjoin {

enum class ListenerKind { kHttp, kGrpc };

struct IdentityRules {
  RoleSet roles;
  Matchers filter = {};  // What a reader sees of rows, alerts and series; empty: everything.
};

// A security file; README.md lists the keys. A value type.
struct AccessConfig {
  std::optional<TlsServerOptions> tls;
  // Sent with every answer.
  std::vector<std::pair<std::string, std::string>> headers;
  // Each of these three, once its key is there, keeps out who is not in it, also with nobody in it.
  bool has_users = false;
  std::map<std::string, std::string> users;  // bcrypt hashes by name.
  std::string tokens_file;                   // "": none.
  bool has_identities = false;
  std::map<std::string, IdentityRules> identities;

  // Whether callers must be known. If not, each of them may do everything.
  bool wants_identities() const { return has_users || !tokens_file.empty() || has_identities; }
};

// INVALID_ARGUMENT with file, line and column for the first fault, which shows no hash. What only
// HTTP has is a fault for gRPC, as are users and tokens without TLS there.
absl::StatusOr<AccessConfig> ReadAccessConfig(const std::string& path, ListenerKind kind);
// The same for a text; `name` is what messages call it.
absl::StatusOr<AccessConfig> ParseAccessConfig(std::string_view text, const std::string& name,
                                               ListenerKind kind);

}  // namespace alertjoin
