#pragma once

#include <fmt/format.h>

#include <string>

#include "correlator-service/http/flat_table.h"
#include "correlator-service/http/flat_writer.h"

namespace alertjoin {

// What is where: the one list that handlers and docs are made from.

struct StreamPath {
  const char* path;
  const char* method;
};
inline constexpr StreamPath kStreamPaths[] = {
    {"/api/v1/stream", "SubscribeJoinedRows"},
    {"/api/v1/stream/alerts", "SubscribeAlerts"},
    {"/api/v1/stream/samples", "SubscribeSamples"},
};

struct TableFormat {
  const char* ending;
  FlatFormat format;
  const char* media_type;
};
inline constexpr TableFormat kTableFormats[] = {
    {"csv", FlatFormat::kCsv, "text/csv"},
    {"json", FlatFormat::kJson, "application/json"},
    {"ndjson", FlatFormat::kNdjson, "application/x-ndjson"},
};
inline std::string TablePath(const FlatTable& table, const TableFormat& format) {
  return fmt::format("/api/v1/{}.{}", table.name(), format.ending);
}

// For the live page alone, and no part of the API.
constexpr char kGrpcPlacePath[] = "/assets/grpc.json";

constexpr char kAnnotationsPath[] = "/api/v1/annotations";

}  // namespace alertjoin
