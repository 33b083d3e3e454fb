#pragma once

#include <span>
#include <string>
#include <vector>

#include "correlator-service/http/flat_cell.h"

namespace alertjoin {

enum class FlatFormat { kCsv, kJson, kNdjson };

// Writes the rows of a flat table one after the other; it keeps none of them. What programs read:
//   CSV     RFC 4180: a head with the names, lines that end with CRLF, quotes where they are
//           needed. NaN, Inf and -Inf; no value is an empty field; labels are a JSON object.
//   JSON    An array of objects. NaN and infinities are the texts "NaN", "Infinity" and
//           "-Infinity", as in protobuf's JSON (pandas.read_json makes numbers of them); no value
//           is null; labels are an object.
//   NDJSON  Such an object a line.
// Times are RFC 3339 in UTC with milliseconds, or milliseconds since the epoch. Not thread-safe.
class FlatWriter {
 public:
  FlatWriter(FlatFormat format, std::vector<std::string> columns, bool times_as_ms);

  // What stands before, between and behind the rows is appended to `out`, too.
  void Begin(std::string* out) const;
  // REQUIRES: as many cells as columns.
  void Row(std::span<const FlatCell> cells, std::string* out);
  void End(std::string* out) const;

  static const char* ContentType(FlatFormat format);

 private:
  void AppendCsv(const FlatCell& cell, std::string* out);
  void AppendJson(const FlatCell& cell, std::string* out) const;
  void AppendTime(Timestamp time, std::string* out) const;

  const FlatFormat format_;
  const std::vector<std::string> columns_;
  std::vector<std::string> keys_;  // `"name":` of each column, for JSON.
  const bool times_as_ms_;
  bool first_ = true;
  std::string text_;  // Reused.
};

}  // namespace alertjoin
