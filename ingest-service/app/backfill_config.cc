#include "ingest-service/app/backfill_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/status/status.h"
#include "common/time/clock.h"
#include "common/time/time_point.h"

namespace alertjoin {
namespace {

constexpr Millis kStepMost = std::chrono::hours(24 * 366);

void CheckTime(const YamlNode& node, const std::string& text) {
  if (!node.present()) return;
  const auto time = ParseTimePoint(text, SystemClock().Now());
  if (!time.ok()) node.Fault(MessageOf(time.status()));
}

}  // namespace

std::optional<BackfillTerms> ReadBackfill(YamlNode node, const std::vector<QueryOptions>& queries) {
  if (!node.present()) return std::nullopt;
  BackfillTerms terms;
  YamlNode from = node.Child("from");
  terms.from = from.RequiredString();
  CheckTime(from, terms.from);
  YamlNode to = node.Child("to");
  terms.to = to.String(terms.to);
  CheckTime(to, terms.to);
  YamlNode step = node.Child("step");
  if (step.present()) terms.step = step.Duration(Millis(1000), Millis(1), kStepMost);
  terms.requests_per_second = static_cast<double>(node.Child("rate").Int(
      static_cast<int64_t>(terms.requests_per_second), 1, kBackfillRateMost));
  YamlNode names = node.Child("queries");
  terms.queries = names.StringList();
  for (const std::string& name : terms.queries) {
    const bool known =
        std::any_of(queries.begin(), queries.end(),
                    [&name](const QueryOptions& query) { return query.name == name; });
    if (!known) names.Fault(fmt::format("this source has no query named \"{}\"", name));
  }
  node.Finish();
  return terms;
}

}  // namespace alertjoin
