// libFuzzer target: bodies of answers of the Prometheus API. Whatever comes, decoding ends with a
// result or an error; a result has columns of equal lengths, and comes only from what another
// parser takes for JSON, too; and what that one takes and we do not is refused for its shape alone.
//
//   cmake --preset fuzz && cmake --build --preset fuzz
//   build/fuzz/tests/fuzz/answer_fuzz -max_total_time=60 FOLDER-FOR-THE-CORPUS

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/text/json_reader.h"
#include "ingest-service/prometheus/query_result.h"

namespace alertjoin {
namespace {

void Require(bool holds, const char* what, std::string_view body) {
  if (holds) return;
  fmt::print(stderr, "{}: {}\n", what, body);
  std::abort();
}

size_t DepthOf(std::string_view text) {
  size_t depth = 0;
  size_t most = 0;
  for (const char c : text) {
    if (c == '{' || c == '[') most = std::max(most, ++depth);
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return most;
}

void Try(std::string_view body) {
  const auto result = DecodeQueryAnswer(200, body);
  if (result.ok()) {
    for (const ResultSeries& series : result->series) {
      Require(series.times.size() == series.values.size(), "the columns differ", body);
    }
  }
  // Numbers beyond the range of a double are the other's own affair, as is depth ours.
  enum { kJson, kNoJson, kOutOfRange } other = kJson;
  try {
    (void)nlohmann::json::parse(body.begin(), body.end());
  } catch (const nlohmann::json::out_of_range&) {
    other = kOutOfRange;
  } catch (const nlohmann::json::parse_error&) {
    other = kNoJson;
  }
  JsonReader reader(body);
  reader.Skip();
  const bool read = reader.Finish();
  Require(!read || other != kNoJson, "no JSON, but it is read", body);
  Require(!result.ok() || other != kNoJson, "no JSON, but it is decoded", body);
  // The other takes a byte order mark, too, and a zero byte for the end.
  const bool ours = DepthOf(body) <= JsonReader::kDepthMax && !body.starts_with("\xef\xbb\xbf") &&
                    body.find('\0') == std::string_view::npos;
  Require(read || other != kJson || !ours, "JSON, but it is not read", body);
}

}  // namespace
}  // namespace alertjoin

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  alertjoin::Try({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
