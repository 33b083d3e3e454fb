#include "common/net/host_rule.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr size_t kShownBytesMax = 128;
constexpr size_t kHostNameBytesMax = 256;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// Of "host:port", where an address of version 6 stands in brackets; without a dot at its end.
std::string HostOf(std::string_view authority) {
  if (authority.starts_with('[')) {
    return std::string(
        authority.substr(0, std::min(authority.find(']'), authority.size() - 1) + 1));
  }
  std::string host = Lower(authority.substr(0, authority.find(':')));
  if (host.ends_with('.')) host.pop_back();
  return host;
}

bool IsAddress(const std::string& host) {
  in6_addr address{};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) == 1;
  }
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

std::string OwnName() {
  char name[kHostNameBytesMax] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? Lower(name) : "";
}

}  // namespace

HostRule::HostRule(const std::vector<std::string>& names) {
  for (const std::string& name : names) names_.push_back(HostOf(name));
  if (std::string own = OwnName(); !own.empty()) names_.push_back(std::move(own));
}

bool HostRule::IsOurs(std::string_view authority) const {
  const std::string host = HostOf(authority);
  return host == "localhost" || host.ends_with(".localhost") || IsAddress(host) ||
         std::ranges::find(names_, host) != names_.end();
}

std::optional<HttpRefusal> HostRule::CheckHost(const HttpHead& head) const {
  const std::string& host = head.Get("host");
  if (host.empty() || IsOurs(host)) return std::nullopt;
  return HttpRefusal{
      421, fmt::format("Host is \"{}\", which is no name of this listener: ask for localhost or an "
                       "address, or start the service with --web.host-name for the name",
                       Excerpt(host, kShownBytesMax))};
}

std::optional<HttpRefusal> HostRule::CheckOrigin(const HttpHead& head) const {
  const std::string& origin = head.Get("origin");
  if (origin.empty()) return std::nullopt;
  const size_t scheme_end = origin.find("://");
  if (scheme_end != origin.npos) {
    const std::string authority = origin.substr(scheme_end + 3);
    if (Lower(authority) == Lower(head.Get("host"))) return std::nullopt;
    if (std::ranges::find(names_, HostOf(authority)) != names_.end()) return std::nullopt;
  }
  return HttpRefusal{
      403, fmt::format("Origin is \"{}\": pages of other origins may change nothing here; where it "
                       "is a proxy's name, start the service with --web.host-name for it",
                       Excerpt(origin, kShownBytesMax))};
}

}  // namespace alertjoin
