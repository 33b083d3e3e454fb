#include "correlator-service/query/summarize_alerts.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/event/event_parts.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "correlator-service/codec/filter_codec.h"
#include "correlator-service/query/alert_statistics.h"
#include "correlator-service/query/request_fields.h"
#include "correlator-service/rows/alert_filter.h"
#include "correlator-service/rows/opaque_token.h"
#include "correlator-service/rows/row_filter.h"

namespace alertjoin {
namespace {

constexpr int kPageSizeDefault = 100;
constexpr int kPageSizeMax = 1000;
constexpr Millis kRangeDefault = std::chrono::hours(24);
constexpr int64_t kBucketsMax = 1000;
constexpr Millis kBucketMin = std::chrono::seconds(1);
constexpr Millis kFlapWindowDefault = std::chrono::minutes(10);
constexpr Millis kFlapWindowMax = std::chrono::days(3650);
constexpr int kGroupingLabelsMax = 64;
// Alerts read under one lock of the store.
constexpr size_t kAlertsPerRead = 1000;

struct Arguments {
  AlertFilter filter;
  AlertSummaryRange range;
  std::vector<std::string> by;
  std::optional<Millis> bucket;
  size_t page_size = 0;
  uint64_t hash = 0;
};

absl::StatusOr<std::vector<std::string>> DecodeGrouping(const v1::SummarizeAlertsRequest& request) {
  if (request.by_size() > kGroupingLabelsMax) {
    return InvalidField("INVALID_GROUPING", "by",
                        fmt::format("expected at most {} labels", kGroupingLabelsMax));
  }
  std::vector<std::string> by(request.by().begin(), request.by().end());
  std::ranges::sort(by);
  if (!by.empty() && by.front().empty()) {
    return InvalidField("INVALID_GROUPING", "by", "expected names of labels, found an empty one");
  }
  const auto twice = std::ranges::adjacent_find(by);
  if (twice != by.end()) {
    return InvalidField("INVALID_GROUPING", "by",
                        fmt::format("expected each label once, found {} twice", *twice));
  }
  return by;
}

absl::StatusOr<std::optional<Millis>> DecodeBucket(const v1::SummarizeAlertsRequest& request,
                                                   Millis range) {
  if (!request.has_bucket()) return std::nullopt;
  const auto bucket = DecodeSpan(request.bucket());
  if (!bucket.ok()) return InvalidField("INVALID_BUCKET", "bucket", MessageOf(bucket.status()));
  if (*bucket < kBucketMin || (range - Millis(1)) / *bucket >= kBucketsMax) {
    return InvalidField(
        "INVALID_BUCKET", "bucket",
        fmt::format("expected at least 1s, and at most {} buckets from `from` to `to`",
                    kBucketsMax));
  }
  return *bucket;
}

absl::StatusOr<Arguments> DecodeRequest(const v1::SummarizeAlertsRequest& request, Timestamp now,
                                        const Matchers& scope) {
  Arguments arguments;
  ASSIGN_OR_RETURN(
      arguments.filter,
      DecodeAlertFilter(request.filter(), v1::ALERT_STATE_UNSPECIFIED, request.source()));
  arguments.filter.scope = scope;
  ASSIGN_OR_RETURN(const TimeRange range, DecodeTimeRange(request));
  AlertSummaryRange& summed = arguments.range;
  summed.now = now;
  summed.to = range.to.value_or(now);
  summed.from =
      range.from.value_or(std::max(summed.to, Timestamp::Min() + kRangeDefault) - kRangeDefault);
  if (summed.from > summed.to) {
    return InvalidField("INVALID_TIME_RANGE", "from", "expected a time that is past");
  }
  ASSIGN_OR_RETURN(arguments.by, DecodeGrouping(request));
  ASSIGN_OR_RETURN(arguments.bucket, DecodeBucket(request, summed.to - summed.from));
  ASSIGN_OR_RETURN(
      summed.flap_window,
      DecodeSpanField(request.has_flap_window() ? &request.flap_window() : nullptr, "flap_window",
                      "INVALID_FLAP_WINDOW", kFlapWindowDefault, Millis(0), kFlapWindowMax));
  ASSIGN_OR_RETURN(arguments.page_size,
                   DecodePageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  // What has a length goes with it, so that no text can be taken for another.
  std::string by;
  for (const std::string& name : arguments.by) by += fmt::format("{}:{}", name.size(), name);
  arguments.hash =
      ArgumentHash(fmt::format("SummarizeAlerts {} bucket={} flap_window={} by={} {}",
                               range.ToString(), arguments.bucket ? arguments.bucket->count() : 0,
                               summed.flap_window.count(), by, arguments.filter.ToString()));
  return arguments;
}

// Where a page begins: behind a group. `now` goes along, since it does not stand still.
struct PagePosition {
  Timestamp now;
  std::pair<Millis, uint64_t> after;
};

std::string EncodePosition(const PagePosition& position, uint64_t argument_hash) {
  TokenWriter writer;
  writer.AddUint64(argument_hash);
  writer.AddTime(position.now);
  writer.AddInt64(position.after.first.count());
  writer.AddUint64(position.after.second);
  return writer.Seal(TokenKind::kSummaryPage);
}

absl::StatusOr<PagePosition> DecodePosition(const std::string& text, uint64_t argument_hash) {
  auto reader = TokenReader::Open(TokenKind::kSummaryPage, text);
  uint64_t given_for = 0;
  PagePosition position;
  if (reader) {
    given_for = reader->ReadUint64();
    position.now = reader->ReadTime();
    position.after.first = Millis(reader->ReadInt64());
    position.after.second = reader->ReadUint64();
  }
  if (!reader || !reader->AtEnd()) {
    return InvalidField("INVALID_PAGE_TOKEN", "page_token",
                        "this is no token of a summary: give next_page_token back unchanged");
  }
  if (given_for != argument_hash) {
    return InvalidField("INVALID_PAGE_TOKEN", "page_token",
                        "the token was given for other arguments: use the same again, or begin "
                        "without a token");
  }
  return position;
}

// Has `take` called with every alert of the range, as long as it is wanted.
template <typename Take>
absl::Status ReadAll(const RowStore& store, RowRange range, const StillWanted& still_wanted,
                     Take take) {
  for (bool end = false; !end;) {
    RETURN_IF_ERROR(still_wanted());
    const AlertPage page = store.ReadAlerts(range, kAlertsPerRead);
    for (const SharedAlert& alert : page.alerts) RETURN_IF_ERROR(take(*alert));
    if (!page.alerts.empty()) range.after = PositionOf(*page.alerts.back());
    end = page.end;
  }
  return absl::OkStatus();
}

// Reads what matters for the range: what ended long before it does not.
absl::StatusOr<AlertSummarizer> ReadEpisodes(const RowStore& store, const Arguments& arguments,
                                             const SummaryLimits& limits,
                                             const StillWanted& still_wanted) {
  AlertSummarizer summarizer(arguments.range, arguments.by);
  RowRange range;
  range.from = summarizer.MattersAfter();
  range.to = arguments.range.to;
  RETURN_IF_ERROR(ReadAll(store, range, still_wanted, [&](const Alert& alert) {
    if (arguments.filter.Matches(alert)) summarizer.Add(alert);
    if (summarizer.kept() <= limits.episodes_max) return absl::OkStatus();
    return MakeError(
        "RANGE_TOO_LARGE",
        fmt::format("more than {} episodes fired from `from` to `to`: ask for a shorter range, or "
                    "narrow the filter",
                    limits.episodes_max));
  }));
  const auto unsure_since = summarizer.UnsureSince();
  if (!unsure_since) return summarizer;
  RowRange before;
  before.from = unsure_since;
  before.to = arguments.range.from;
  RETURN_IF_ERROR(ReadAll(store, before, still_wanted, [&](const Alert& alert) {
    summarizer.NoteStart(alert);
    return absl::OkStatus();
  }));
  return summarizer;
}

void Encode(const AlertStatistics& statistics, v1::AlertSummary* out) {
  EncodeLabels(statistics.labels, out->mutable_labels());
  out->set_alerts(statistics.alerts);
  out->set_episodes(statistics.episodes);
  out->set_firing(statistics.firing);
  out->set_flaps(statistics.flaps);
  *out->mutable_firing_time() = EncodeSpan(statistics.firing_time);
  *out->mutable_mean_firing_time() = EncodeSpan(statistics.firing_time / statistics.episodes);
  out->set_last_state(static_cast<v1::AlertState>(statistics.last_state));
  *out->mutable_last_event_time() = EncodeTime(statistics.last_event_time);
}

void Encode(const AlertBucketStatistics& statistics, v1::AlertBucket* out) {
  *out->mutable_start() = EncodeTime(statistics.start);
  out->set_fired(statistics.fired);
  out->set_resolved(statistics.resolved);
  *out->mutable_firing_time() = EncodeSpan(statistics.firing_time);
}

}  // namespace

absl::StatusOr<v1::SummarizeAlertsResponse> SummarizeAlerts(
    const RowStore& store, const v1::SummarizeAlertsRequest& request, Timestamp now,
    const SummaryLimits& limits, const Matchers& scope, const StillWanted& still_wanted) {
  ASSIGN_OR_RETURN(Arguments arguments, DecodeRequest(request, now, scope));
  std::optional<PagePosition> position;
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(position, DecodePosition(request.page_token(), arguments.hash));
    ASSIGN_OR_RETURN(arguments, DecodeRequest(request, position->now, scope));
  }
  ASSIGN_OR_RETURN(AlertSummarizer summarizer,
                   ReadEpisodes(store, arguments, limits, still_wanted));
  v1::SummarizeAlertsResponse response;
  *response.mutable_from() = EncodeTime(arguments.range.from);
  *response.mutable_to() = EncodeTime(arguments.range.to);
  size_t bytes = 0;
  std::pair<Millis, uint64_t> last;
  for (const AlertSummarizer::Group& group : summarizer.Summarize()) {
    if (position && group.Order() <= position->after) continue;
    const auto taken = static_cast<size_t>(response.summaries_size());
    v1::AlertSummary* const added = response.add_summaries();
    Encode(group.statistics, added);
    if (arguments.bucket) {
      for (const auto& bucket : summarizer.Buckets(group, *arguments.bucket)) {
        Encode(bucket, added->add_buckets());
      }
    }
    bytes += added->ByteSizeLong();
    if (taken > 0 && (taken == arguments.page_size || bytes > limits.bytes_max)) {
      response.mutable_summaries()->RemoveLast();
      response.set_next_page_token(EncodePosition({arguments.range.now, last}, arguments.hash));
      break;
    }
    last = group.Order();
  }
  return response;
}

}  // namespace alertjoin
