#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/http_head.h"

namespace alertjoin {

// Whose requests a listener takes that asks nobody who he is. A page of a stranger, open in a
// browser of this machine, can send requests here: by a name of its own that it has point here
// (DNS rebinding), and by sending, unread, to our address. Programs are not concerned: what has no
// Host and no Origin is taken. Immutable; thread-safe.
class HostRule {
 public:
  // `names`: what else the listener is called, without a port; in any case.
  explicit HostRule(const std::vector<std::string>& names);

  // 421 when the request is for a host that is no loopback name ("localhost" and what is below it),
  // no address in digits, not this machine's own name and none of the names.
  std::optional<HttpRefusal> CheckHost(const HttpHead& head) const;
  // 403 when it comes from a page of another origin than the listener itself or one of the names.
  // For requests that change something.
  std::optional<HttpRefusal> CheckOrigin(const HttpHead& head) const;

 private:
  bool IsOurs(std::string_view authority) const;

  std::vector<std::string> names_;  // In lower case.
};

}  // namespace alertjoin
