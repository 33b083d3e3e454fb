#include "common/access/access_table.h"

#include <array>

namespace alertjoin {
namespace {

constexpr AccessRule kAnyone{.anyone = true, .roles = {}};
constexpr AccessRule kPush{.anyone = false, .roles = {Role::kPush}, .filtered = true};
constexpr AccessRule kRead{.anyone = false, .roles = {Role::kRead}, .filtered = true};
constexpr AccessRule kReadAll{.anyone = false, .roles = {Role::kRead}, .filtered = false};
constexpr AccessRule kAdmin{.anyone = false, .roles = {Role::kAdmin}, .filtered = true};
// Senders ask for the status of the Alertmanager that they think we are.
constexpr AccessRule kAnyRole{.anyone = false, .roles = RoleSet::All(), .filtered = true};

struct Entry {
  std::string_view name;  // "/" at the end: everything that begins with it.
  AccessRule rule;
};

constexpr std::array kRpcs = {
    Entry{"/alertjoin.v1.IngestService/PushEvents", kPush},
    Entry{"/alertjoin.v1.CorrelatorService/SubscribeJoinedRows", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/ListJoinedRows", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/SubscribeAlerts", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/ListAlerts", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/SummarizeAlerts", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/SubscribeSamples", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/ListSamples", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/ListSeries", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/ListQueries", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/ListSources", kReadAll},
    Entry{"/alertjoin.v1.CorrelatorService/LookUpAsOf", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/GetAlertContext", kRead},
    Entry{"/alertjoin.v1.CorrelatorService/SummarizeSamples", kRead},
    Entry{"/grpc.health.v1.Health/Check", kAnyone},
    Entry{"/grpc.health.v1.Health/Watch", kAnyone},
    Entry{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kRead},
};

struct HttpEntry {
  std::string_view method;
  Entry entry;
};

// The first that fits.
constexpr std::array kHttp = {
    HttpEntry{"GET", {"/-/healthy", kAnyone}},
    HttpEntry{"GET", {"/-/ready", kAnyone}},
    HttpEntry{"GET", {"/api/v2/status", kAnyRole}},
    HttpEntry{"GET", {"/webhook/", kAnyRole}},
    HttpEntry{"GET", {"/prometheus/", kAnyRole}},
    // The page, and what is answered by the gRPC service.
    HttpEntry{"GET", {"/assets/", kRead}},
    HttpEntry{"GET", {"/api/v1/", kRead}},
    HttpEntry{"GET", {"/docs", kRead}},
    HttpEntry{"GET", {"/docs.css", kRead}},
    HttpEntry{"GET", {"/openapi.json", kRead}},
    // What else reads and changes nothing: metrics.
    HttpEntry{"GET", {"/", kReadAll}},
    HttpEntry{"POST", {"/-/", kAdmin}},
    HttpEntry{"POST", {"/webhook", kPush}},
    HttpEntry{"POST", {"/webhook/", kPush}},
    HttpEntry{"POST", {"/prometheus/", kPush}},
    HttpEntry{"POST", {"/api/v1/alerts", kPush}},
    HttpEntry{"POST", {"/api/v2/alerts", kPush}},
};

bool Fits(std::string_view name, std::string_view path) {
  return name.ends_with('/') ? path.starts_with(name) : path == name;
}

}  // namespace

std::optional<AccessRule> AccessOfRpc(std::string_view method) {
  for (const Entry& entry : kRpcs) {
    if (entry.name == method) return entry.rule;
  }
  return std::nullopt;
}

std::optional<AccessRule> AccessOfHttp(std::string_view method, std::string_view path) {
  if (method == "HEAD") method = "GET";
  // Grafana can be told to PUT, and /-/reload takes both.
  if (method == "PUT") method = "POST";
  // The page itself; as a prefix "/" is everything.
  if (method == "GET" && path == "/") return kRead;
  if (method == "POST") {
    if (path == "/") return kPush;
    if (const auto rpc = AccessOfRpc(path)) return rpc;
  }
  for (const HttpEntry& entry : kHttp) {
    if (entry.method == method && Fits(entry.entry.name, path)) return entry.entry.rule;
  }
  return std::nullopt;
}

}  // namespace alertjoin
