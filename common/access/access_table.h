#pragma once

#include <optional>
#include <string_view>

#include "common/access/role.h"

namespace alertjoin {

// Who may call something.
struct AccessRule {
  bool anyone = false;  // Also who is not known: health.
  RoleSet roles;        // Whoever has one of these.
  // Whether also those may who see a part only: what is answered is filtered, or tells nothing of
  // what is kept.
  bool filtered = false;
};

// The one table of who may call what, for gRPC methods ("/package.Service/Method") and for HTTP
// (method and path). Nothing: nobody may.
std::optional<AccessRule> AccessOfRpc(std::string_view method);
// `path` without the query. HEAD is as GET. A gRPC method that is called as a path (POST) is as the
// gRPC method.
std::optional<AccessRule> AccessOfHttp(std::string_view method, std::string_view path);

}  // namespace alertjoin
