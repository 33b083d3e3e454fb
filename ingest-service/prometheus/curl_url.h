#pragma once

#include <optional>
#include <string>

namespace alertjoin {

// Where a Location header of an answer to `url` leads: absolute; empty when it is malformed.
std::string ResolveUrl(const std::string& url, const std::string& location);

// How libcurl is told to expect another name in a server's certificate.
struct RenamedHost {
  std::string url;            // With the expected name as its host.
  std::string connect_to;     // name:port:host:port, where to connect for it.
  std::string original_host;  // host or host:port, for the Host header.
};

// Nothing when the URL is not https or malformed.
std::optional<RenamedHost> RenameHost(const std::string& url, const std::string& server_name);

}  // namespace alertjoin
