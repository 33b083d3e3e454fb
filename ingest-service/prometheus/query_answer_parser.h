#pragma once

#include <string>
#include <string_view>

#include "ingest-service/prometheus/query_result.h"

namespace alertjoin {

// What an answer of the Prometheus API says, before it is judged.
struct QueryAnswer {
  std::string status;
  std::string error_type;
  std::string error;
  std::string result_type;
  bool has_result = false;
  // A single point whose value is no number, as the result of an expression that gives text.
  bool is_text = false;
  QueryResult result;
};

// Reads the body of an answer of /api/v1/query or query_range. Points go straight into the columns
// of their series, so that a large answer takes little more memory than its text and the columns.
// Keys may come in any order; unknown ones are skipped. Gives an empty text, or why it is none of
// the API's, with the place: no JSON (RFC 8259, UTF-8), nested deeper than 32, a known part of
// another shape or twice.
std::string ParseQueryAnswer(std::string_view body, QueryAnswer* answer);

}  // namespace alertjoin
