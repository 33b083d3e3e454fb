#include "correlator-service/verify/verify_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "common/status/error_reason.h"
#include "common/status/status.h"
#include "common/time/rfc3339.h"
#include "correlator-service/verify/limit_evidence.h"
#include "correlator-service/verify/log_alerts.h"
#include "correlator-service/verify/log_facts.h"
#include "correlator-service/verify/plain_rules.h"
#include "correlator-service/verify/stored_alerts.h"

namespace alertjoin {
namespace {

// What makes a row the one it is, for people and for comparing.
struct RowName {
  std::string source;
  std::string fingerprint;
  AlertState state;
  Timestamp starts_at;
  std::optional<Query> query;      // None: UNBOUND.
  std::optional<LabelSet> series;  // None: NO_SERIES, or UNBOUND.
  friend auto operator<=>(const RowName&, const RowName&) = default;
};

std::string ToText(const RowName& name) {
  return fmt::format("{} of alert {} of {} from {}, query {}, series {}",
                     name.state == AlertState::kFiring ? "FIRING" : "RESOLVED", name.fingerprint,
                     name.source, FormatRfc3339(name.starts_at),
                     name.query ? name.query->name : "none",
                     name.series ? ToString(*name.series) : "none");
}

struct ExpectedRow {
  Timestamp event_time;
  std::optional<Timestamp> active_at;
  Match match;
  bool final = true;
};
using ExpectedRows = std::map<RowName, ExpectedRow>;

// Reports whose intervals overlap: one firing period.
struct Episode {
  Timestamp starts_at;
  Timestamp through;
  std::optional<Timestamp> ends_at;     // None: it goes on.
  std::optional<Timestamp> open_since;  // The last start of which no end is known.
  std::optional<Timestamp> active_at;
  std::vector<AlertReport> reports;
};

std::vector<Episode> EpisodesOf(const std::vector<AlertReport>& by_start) {
  std::vector<Episode> episodes;
  for (const AlertReport& report : by_start) {
    const Timestamp through =
        std::max(report.starts_at, report.ends_at.value_or(report.last_reported));
    if (episodes.empty() || report.starts_at >= episodes.back().through) {
      episodes.push_back({report.starts_at, report.starts_at, {}, {}, {}, {}});
    }
    Episode& episode = episodes.back();
    episode.through = std::max(episode.through, through);
    episode.ends_at = std::max(episode.ends_at, report.ends_at);
    if (!report.ends_at) episode.open_since = report.starts_at;
    if (!episode.active_at || (report.active_at && report.active_at < episode.active_at)) {
      episode.active_at = report.active_at;
    }
    episode.reports.push_back(report);
  }
  for (Episode& episode : episodes) {
    // One of its parts began after the last end that is known, and goes on.
    if (episode.open_since > episode.ends_at) episode.ends_at.reset();
    // Of reports that contradict each other: no pending start lies after the start.
    if (episode.active_at > episode.starts_at) episode.active_at.reset();
  }
  return episodes;
}

bool SameOptional(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || SameValue(*a, *b));
}

std::string TextOf(const std::shared_ptr<const std::string>& text) {
  return text == nullptr ? std::string() : *text;
}

class Verifier {
 public:
  Verifier(const EngineLimits& limits, bool log_is_whole)
      : limits_(limits), log_alerts_(log_is_whole) {}

  // Before everything else.
  absl::Status ReadAlerts(const RowDatabase& database) {
    ASSIGN_OR_RETURN(stored_alerts_, StoredAlerts::Read(database, [this](const ChangeSet& set) {
                       limits_.AddChanges(set);
                     }));
    return absl::OkStatus();
  }

  Verification Take() { return std::move(result_); }
  void AddRound(const Round& round) {
    facts_.Add(round);
    log_alerts_.Add(round);
    ++result_.records;
  }

  void AddReport(AlertReport report) {
    if (!alert_.empty() && (alert_.back().source != report.source ||
                            alert_.back().fingerprint != report.fingerprint)) {
      EndAlert();
    }
    if (auto difference = log_alerts_.Compare(report)) not_kept_.push_back(*std::move(difference));
    alert_.push_back(std::move(report));
  }

  void EndAlert() {
    if (alert_.empty()) return;
    ++result_.alerts;
    limits_.AddAlert(alert_[0].source, alert_[0].fingerprint);
    for (const Episode& episode : EpisodesOf(alert_)) {
      const EpisodeName name{alert_[0].source, alert_[0].fingerprint, episode.starts_at};
      const std::string how = stored_alerts_.Compare(name, episode.ends_at, episode.active_at);
      if (!how.empty()) Differ(ToText(name), how);
      ExpectSide(episode, AlertState::kFiring);
      ExpectSide(episode, AlertState::kResolved);
    }
    alert_.clear();
  }

  // After the last alert.
  void EndAlerts() {
    EndAlert();
    result_.episodes_compared = stored_alerts_.compared();
    result_.starts_compared = log_alerts_.compared();
    for (auto& difference : log_alerts_.Rest()) {
      ++result_.starts_compared;
      not_kept_.push_back(std::move(difference));
    }
    for (const auto& [name, how] : stored_alerts_.Rest()) Differ(ToText(name), how);
  }

  void Compare(const JoinedRow& row) {
    ++result_.rows;
    limits_.AddRow(row);
    const RowName name = NameOf(row);
    const auto expected = expected_.find(name);
    const bool is_kept = row.transition->event_time() < facts_.horizons().samples;
    if (expected == expected_.end()) {
      if (is_kept) {
        ++result_.rows_kept;
      } else {
        Differ(name, "should not be there");
      }
      return;
    }
    ExpectedRow& by_rule = expected->second;
    if (by_rule.event_time != row.transition->event_time()) {
      Differ(name,
             fmt::format("is at {}, should be at {}", FormatRfc3339(row.transition->event_time()),
                         FormatRfc3339(by_rule.event_time)));
    } else if (by_rule.active_at != row.transition->active_at) {
      Differ(name, "has another pending start than the earliest that was reported");
    } else if (is_kept) {
      ++result_.rows_kept;
    } else {
      ++result_.rows_compared;
      CompareMatch(name, row, by_rule);
    }
    expected_.erase(expected);
  }

  // After the last row.
  void EndRows() {
    for (const LogAlerts::Difference& difference : not_kept_) {
      std::string what = ToText(difference.name);
      if (!difference.alert_name.empty()) what += fmt::format(" ({})", difference.alert_name);
      IsMissing(what, difference.how, limits_.MayHaveRefusedAlertsOf(difference.name.source));
    }
    const bool maybe_refused = limits_.MayHaveRefusedRows();
    for (const auto& [name, row] : expected_) {
      // A row from before the samples may have had other series.
      if (row.event_time < facts_.horizons().samples) continue;
      IsMissing("row " + ToText(name), "is missing", maybe_refused);
    }
  }

 private:
  static RowName NameOf(const JoinedRow& row) {
    RowName name{row.transition->source,
                 row.transition->fingerprint,
                 row.transition->state,
                 row.transition->starts_at,
                 {},
                 {}};
    if (row.binding != nullptr) name.query = row.binding->query;
    if (row.match.series != nullptr) name.series = row.match.series->labels;
    return name;
  }

  void ExpectSide(const Episode& episode, AlertState state) {
    const Transition* first = nullptr;
    // Of several bindings of a query the first by their order counts.
    std::map<Query, const Binding*> bindings;
    for (const AlertReport& report : episode.reports) {
      const auto& side = state == AlertState::kFiring ? report.firing : report.resolved;
      if (!side) continue;
      if (first == nullptr) first = side->first.get();
      for (const auto& binding : side->bindings) {
        const Binding*& chosen = bindings[binding->query];
        if (chosen == nullptr || binding->Key() < chosen->Key()) chosen = binding.get();
      }
    }
    if (first == nullptr) return;
    const bool has_ended = episode.ends_at.has_value();
    if (state == AlertState::kResolved && !has_ended) return;
    const Timestamp time = state == AlertState::kFiring ? episode.starts_at : *episode.ends_at;
    const RowName name{first->source, first->fingerprint, state, episode.starts_at, {}, {}};
    const ExpectedRow unbound{time, episode.active_at, {.state = MatchState::kUnbound}, true};
    if (bindings.empty()) expected_.emplace(name, unbound);
    for (const auto& [query, binding] : bindings) ExpectQuery(name, *first, unbound, *binding);
  }

  // `unbound`: what the row would be without the query.
  void ExpectQuery(RowName name, const Transition& alert, const ExpectedRow& unbound,
                   const Binding& binding) {
    name.query = binding.query;
    const Timestamp time = unbound.event_time;
    const auto add = [&](const Match& match) {
      ExpectedRow row = unbound;
      row.match = match;
      row.final = IsFinalByRule(facts_, match, time, binding) &&
                  (!IsCompared(row.active_at) ||
                   IsActiveFinalByRule(facts_, match, *row.active_at, binding));
      expected_.emplace(name, row);
    };
    bool has_series = false;
    const auto& samples = facts_.samples();
    for (auto series = samples.lower_bound({binding.query, LabelSet()});
         series != samples.end() && series->first.first == binding.query; ++series) {
      if (!Belongs(alert.labels, series->first.second, binding)) continue;
      has_series = true;
      name.series = series->first.second;
      Match match = MatchByRule(series->second, time, binding);
      if (unbound.active_at) {
        AddActiveByRule(series->second, *unbound.active_at, binding, &match);
      }
      add(match);
    }
    if (has_series) return;
    Match match{.state = MatchState::kNoSeries};
    const std::string error = facts_.ErrorOf(binding.query);
    if (!error.empty()) match.query_error = std::make_shared<const std::string>(error);
    add(match);
  }

  // What is said of a pending start from before the samples is kept as it was.
  bool IsCompared(const std::optional<Timestamp>& active_at) const {
    return active_at && *active_at >= facts_.horizons().samples;
  }

  void CompareMatch(const RowName& name, const JoinedRow& row, const ExpectedRow& by_rule) {
    const Match& stored = row.match;
    const Match& match = by_rule.match;
    if (stored.state != match.state) {
      Differ(name, fmt::format("has match state {}, should have {}", static_cast<int>(stored.state),
                               static_cast<int>(match.state)));
    } else if (stored.sample_time != match.sample_time ||
               !SameOptional(stored.value, match.value)) {
      Differ(name, "has another sample than the newest at or before its time");
    } else if (stored.next_sample_time != match.next_sample_time ||
               !SameOptional(stored.next_value, match.next_value)) {
      Differ(name, "has another next sample than the first after its time");
    } else if (IsCompared(by_rule.active_at) &&
               (stored.active_sample_time != match.active_sample_time ||
                !SameOptional(stored.value_at_active, match.value_at_active))) {
      Differ(name, "has another sample than the newest at or before its pending start");
    } else if (TextOf(stored.query_error) != TextOf(match.query_error)) {
      Differ(name, fmt::format("has the query error \"{}\", should have \"{}\"",
                               TextOf(stored.query_error), TextOf(match.query_error)));
    } else if (row.final && !by_rule.final) {
      // The other way round is no error: samples that were refused hold progress back.
      Differ(name, "is final, but no progress says so");
    }
  }

  void IsMissing(const std::string& what, const std::string& how, bool maybe_refused) {
    if (!maybe_refused) return Differ(what, how);
    if (result_.maybe_refused++ == 0) result_.maybe_refused_example = what + ": " + how;
  }
  void Differ(const RowName& name, const std::string& how) { Differ("row " + ToText(name), how); }
  void Differ(const std::string& what, const std::string& how) {
    ++result_.differences;
    if (result_.examples.size() >= Verification::kExamplesMax) return;
    result_.examples.push_back(what + ": " + how);
  }

  Verification result_;
  LimitEvidence limits_;
  StoredAlerts stored_alerts_;
  LogFacts facts_;
  LogAlerts log_alerts_;
  std::vector<LogAlerts::Difference> not_kept_;
  std::vector<AlertReport> alert_;  // The one whose reports are coming.
  ExpectedRows expected_;
};

}  // namespace

absl::StatusOr<Verification> VerifyRows(RoundLog& log, const RowDatabase& database,
                                        const EngineLimits& limits) {
  if (database.applied().Next() != log.bounds().next) {
    return MakeError(
        "ROWS_BEHIND",
        fmt::format(
            "the rows have seen records up to {}, the event log goes up to {}: start the service, "
            "stop it in good order, and verify again",
            database.applied().value(), log.bounds().next.value() - 1));
  }
  Verifier verifier(limits, log.bounds().first == LogPosition(1));
  RETURN_IF_ERROR(verifier.ReadAlerts(database));
  const auto add_round = [&verifier](LogPosition, Round&& round) {
    verifier.AddRound(round);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(log.Replay(add_round));
  RETURN_IF_ERROR(database.ForEachReport(
      [&verifier](AlertReport report) { verifier.AddReport(std::move(report)); }));
  verifier.EndAlerts();
  RETURN_IF_ERROR(
      database.ForEachRow([&verifier](const JoinedRow& row) { verifier.Compare(row); }));
  verifier.EndRows();
  return verifier.Take();
}

}  // namespace alertjoin
