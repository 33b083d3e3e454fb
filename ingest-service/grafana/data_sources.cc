#include "ingest-service/grafana/data_sources.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/event/event_limits.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

std::string TextOf(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void AddIfUsable(const nlohmann::json& entry, const std::string& name,
                 std::vector<GrafanaDataSource>& list) {
  if (!entry.is_object() || TextOf(entry, "type") != "prometheus") return;
  const std::string access = TextOf(entry, "access");
  if (access != "proxy" && !access.empty()) return;
  GrafanaDataSource source{TextOf(entry, "uid"), name, TextOf(entry, "url")};
  // It becomes a part of an address.
  const bool fits =
      !source.uid.empty() && std::all_of(source.uid.begin(), source.uid.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_';
      });
  if (fits && !source.name.empty()) list.push_back(std::move(source));
}

absl::Status NoList(const char* what, std::string_view body) {
  return absl::UnavailableError(
      fmt::format("{}: not a list of data sources: \"{}\"", what, Excerpt(body)));
}

std::string WithoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace

absl::StatusOr<std::vector<GrafanaDataSource>> DecodeDataSourceList(std::string_view body) {
  const auto document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_array()) return NoList("/api/datasources", body);
  std::vector<GrafanaDataSource> list;
  for (const nlohmann::json& entry : document) {
    if (entry.is_object()) AddIfUsable(entry, TextOf(entry, "name"), list);
  }
  std::sort(list.begin(), list.end());
  return list;
}

absl::StatusOr<std::vector<GrafanaDataSource>> DecodeFrontendSettings(std::string_view body) {
  const auto document = nlohmann::json::parse(body, nullptr, false);
  const auto sources =
      document.is_object() ? document.find("datasources") : nlohmann::json::const_iterator();
  if (!document.is_object() || sources == document.end() || !sources->is_object()) {
    return NoList("/api/frontend/settings", body);
  }
  std::vector<GrafanaDataSource> list;
  for (const auto& [name, entry] : sources->items()) {
    AddIfUsable(entry, name, list);
  }
  // Here stands the address of the proxy, not that of the data source.
  for (GrafanaDataSource& source : list) source.url.clear();
  std::sort(list.begin(), list.end());
  return list;
}

ChosenDataSources ChooseDataSources(std::vector<GrafanaDataSource> list,
                                    const GrafanaOptions& options) {
  const RE2 include(options.include.empty() ? ".*" : options.include, RE2::Quiet);
  const RE2 exclude(options.exclude, RE2::Quiet);
  ChosenDataSources chosen;
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  for (GrafanaDataSource& source : list) {
    if (!RE2::FullMatch(source.name, include)) continue;
    if (!options.exclude.empty() && RE2::FullMatch(source.name, exclude)) continue;
    if (!chosen.sources.empty() && chosen.sources.back().name == source.name) continue;
    const bool fits = options.name.size() + 1 + source.name.size() <= kIdentifierBytesMax;
    if (!fits || chosen.sources.size() == kDataSourcesMax) {
      ++chosen.left_out;
    } else {
      chosen.sources.push_back(std::move(source));
    }
  }
  return chosen;
}

MetricsSourceOptions MetricsSourceOf(const GrafanaOptions& options,
                                     const GrafanaDataSource& source) {
  MetricsSourceOptions result = options.terms;
  result.name = options.name + "/" + source.name;
  result.url =
      fmt::format("{}/api/datasources/proxy/uid/{}", WithoutSlash(options.url), source.uid);
  result.external_url = source.url;
  return result;
}

}  // namespace alertjoin
