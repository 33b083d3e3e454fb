#include "ingest-service/prometheus/curl_url.h"

#include <fmt/format.h>

#include "ingest-service/prometheus/parsed_url.h"

namespace alertjoin {

std::string ResolveUrl(const std::string& url, const std::string& location) {
  auto parsed = ParsedUrl::Parse(url);
  if (!parsed.has_value() || !parsed->Set(CURLUPART_URL, location)) return "";
  return parsed->Part(CURLUPART_URL).value_or("");
}

std::optional<RenamedHost> RenameHost(const std::string& url, const std::string& server_name) {
  auto parsed = ParsedUrl::Parse(url);
  if (!parsed.has_value() || parsed->Scheme() != "https") return std::nullopt;
  const auto host = parsed->Part(CURLUPART_HOST);
  const auto port = parsed->Part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const bool default_port = !parsed->Part(CURLUPART_PORT).has_value();
  if (!host.has_value() || !port.has_value()) return std::nullopt;
  if (!parsed->Set(CURLUPART_HOST, server_name)) return std::nullopt;
  auto renamed = parsed->Part(CURLUPART_URL);
  if (!renamed.has_value()) return std::nullopt;
  return RenamedHost{*std::move(renamed), fmt::format("{0}:{1}:{2}:{1}", server_name, *port, *host),
                     default_port ? *host : fmt::format("{}:{}", *host, *port)};
}

}  // namespace alertjoin
