#include "correlator-service/http/flat_table.h"

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "alertjoin/v1/correlator_service.pb.h"
#include "common/status/status.h"
#include "correlator-service/http/messages.h"

namespace alertjoin {
namespace {

using google::protobuf::Message;

FlatCell Text(const std::string& text) { return std::string_view(text); }
FlatCell Integer(uint64_t value) { return static_cast<int64_t>(value); }
FlatCell Optional(bool present, double value) { return present ? FlatCell(value) : FlatCell(); }
FlatCell Time(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return FlatCell();
  return Timestamp::FromMillis(time.seconds() * 1000 + time.nanos() / 1'000'000);
}
FlatCell Seconds(bool present, const google::protobuf::Duration& span) {
  if (!present) return FlatCell();
  // By way of whole milliseconds: 0.1 and not 0.10000000000000001.
  return static_cast<double>(span.seconds() * 1000 + span.nanos() / 1'000'000) / 1000;
}
// A value's name without what all of its enum begin with; nothing for the zero.
FlatCell Name(int value, const std::string& name, std::string_view prefix) {
  if (value == 0 || name.size() <= prefix.size()) return FlatCell();
  return std::string_view(name).substr(prefix.size());
}
FlatCell State(v1::AlertState state) {
  return Name(state, v1::AlertState_Name(state), "ALERT_STATE_");
}
FlatCell Label(const LabelMap& labels, const std::string& name) {
  const auto found = labels.find(name);
  return found == labels.end() ? FlatCell() : Text(found->second);
}

template <typename Row>
struct RowColumn {
  FlatColumn column;
  FlatCell (*get)(const Row& row);
};

// What differs between the tables: their columns, and where a page's rows are.
template <typename Row>
class RowTable : public FlatTable {
 public:
  RowTable(const char* name, const char* comment, const char* method, int page_size_max,
           std::span<const RowColumn<Row>> columns)
      : name_(name), comment_(comment), method_(method), page_size_max_(page_size_max) {
    for (const RowColumn<Row>& column : columns) {
      columns_.push_back(column.column);
      getters_.push_back(column.get);
    }
  }

  const char* name() const override { return name_; }
  const char* comment() const override { return comment_; }
  const std::vector<FlatColumn>& columns() const override { return columns_; }
  const google::protobuf::MethodDescriptor& method() const override {
    return *CorrelatorServiceDescriptor().FindMethodByName(method_);
  }
  int page_size_max() const override { return page_size_max_; }

 protected:
  void Take(const Row& row, std::span<const std::string> labels,
            const std::function<FlatCell(const std::string&)>& label, std::vector<FlatCell>& cells,
            const TakeRow& take) const {
    cells.clear();
    for (const auto get : getters_) cells.push_back(get(row));
    for (const std::string& name : labels) cells.push_back(label(name));
    take(cells);
  }

 private:
  const char* const name_;
  const char* const comment_;
  const char* const method_;
  const int page_size_max_;
  std::vector<FlatColumn> columns_;
  std::vector<FlatCell (*)(const Row&)> getters_;
};

using Joined = v1::JoinedRow;
constexpr RowColumn<Joined> kJoined[] = {
    {{"row_id", FlatType::kText, "Identifies the row over all its revisions."},
     [](const Joined& r) { return Text(r.row_id()); }},
    {{"event_time", FlatType::kTime, "When the alert fired, or was resolved."},
     [](const Joined& r) { return Time(true, r.transition().event_time()); }},
    {{"state", FlatType::kText, "FIRING or RESOLVED."},
     [](const Joined& r) { return State(r.transition().state()); }},
    {{"alert", FlatType::kText, "The label alertname."},
     [](const Joined& r) { return Text(r.transition().alert_name()); }},
    {{"job", FlatType::kText, "The label job of the alert."},
     [](const Joined& r) { return Text(r.transition().job()); }},
    {{"instance", FlatType::kText, "The label instance of the alert."},
     [](const Joined& r) { return Text(r.transition().instance()); }},
    {{"query", FlatType::kText, "Name of the query."},
     [](const Joined& r) { return Text(r.query().name()); }},
    {{"value", FlatType::kNumber, "The value at event_time."},
     [](const Joined& r) { return Optional(r.match().has_value(), r.match().value()); }},
    {{"operator", FlatType::kText, "The comparison of the alert's rule."},
     [](const Joined& r) { return Text(r.query().comparison_operator()); }},
    {{"threshold", FlatType::kNumber, "What the rule compares with."},
     [](const Joined& r) { return Optional(r.query().has_threshold(), r.query().threshold()); }},
    {{"reported_value", FlatType::kNumber, "The value that the notification claimed."},
     [](const Joined& r) {
       return Optional(r.transition().has_reported_value(), r.transition().reported_value());
     }},
    {{"match", FlatType::kText, "MATCHED, or why there is no value."},
     [](const Joined& r) {
       return Name(r.match().state(), v1::MatchState_Name(r.match().state()), "MATCH_STATE_");
     }},
    {{"sample_time", FlatType::kTime, "Time of the sample."},
     [](const Joined& r) { return Time(r.match().has_sample_time(), r.match().sample_time()); }},
    {{"final", FlatType::kBoolean, "No further revision is expected."},
     [](const Joined& r) { return FlatCell(r.final()); }},
    {{"revision", FlatType::kInteger, "Number of this version of the row, from 1."},
     [](const Joined& r) { return Integer(r.revision()); }},
    {{"starts_at", FlatType::kTime, "Start of the firing period."},
     [](const Joined& r) { return Time(true, r.transition().starts_at()); }},
    {{"ends_at", FlatType::kTime, "End of the firing period, on RESOLVED rows."},
     [](const Joined& r) { return Time(r.transition().has_ends_at(), r.transition().ends_at()); }},
    {{"duration", FlatType::kNumber, "Seconds from starts_at to ends_at."},
     [](const Joined& r) {
       return Seconds(r.transition().has_duration(), r.transition().duration());
     }},
    {{"source", FlatType::kText, "The alert source."},
     [](const Joined& r) { return Text(r.transition().source()); }},
    {{"fingerprint", FlatType::kText, "Hash of the alert's labels, in hex."},
     [](const Joined& r) { return Text(r.transition().fingerprint()); }},
    {{"metrics_source", FlatType::kText, "The source of the query."},
     [](const Joined& r) { return Text(r.query().source()); }},
    {{"sample_age", FlatType::kNumber, "Seconds from sample_time to event_time."},
     [](const Joined& r) { return Seconds(r.match().has_sample_age(), r.match().sample_age()); }},
    {{"next_value", FlatType::kNumber, "The first value after event_time, where it was asked for."},
     [](const Joined& r) { return Optional(r.match().has_next_value(), r.match().next_value()); }},
    {{"next_sample_time", FlatType::kTime, "Time of that value."},
     [](const Joined& r) {
       return Time(r.match().has_next_sample_time(), r.match().next_sample_time());
     }},
    {{"active_at", FlatType::kTime, "When the alert's expression became true."},
     [](const Joined& r) {
       return Time(r.transition().has_active_at(), r.transition().active_at());
     }},
    {{"value_at_active", FlatType::kNumber, "The value then."},
     [](const Joined& r) {
       return Optional(r.match().has_value_at_active(), r.match().value_at_active());
     }},
    {{"expression", FlatType::kText, "PromQL of the query."},
     [](const Joined& r) { return Text(r.query().expression()); }},
    {{"query_error", FlatType::kText, "Why the metrics source refuses the query."},
     [](const Joined& r) { return Text(r.query().error()); }},
    {{"sequence", FlatType::kInteger, "Position of the change in the correlator's order."},
     [](const Joined& r) { return Integer(r.sequence()); }},
    {{"applied_time", FlatType::kTime, "When this revision was made."},
     [](const Joined& r) { return Time(r.has_applied_time(), r.applied_time()); }},
    {{"labels", FlatType::kLabels, "All labels of the alert."},
     [](const Joined& r) { return FlatCell(&r.transition().labels()); }},
    {{"annotations", FlatType::kLabels, "All annotations of the alert."},
     [](const Joined& r) { return FlatCell(&r.transition().annotations()); }},
    {{"series_labels", FlatType::kLabels, "All labels of the series."},
     [](const Joined& r) { return FlatCell(&r.match().series_labels()); }},
};

class JoinedTable final : public RowTable<Joined> {
 public:
  JoinedTable()
      : RowTable("joined",
                 "One row for each transition of an alert, query and series, newest first. A "
                 "label is the series', or else the alert's.",
                 "ListJoinedRows", 1000, kJoined) {}

  size_t CountRows(const Message& answer) const override {
    return static_cast<size_t>(static_cast<const v1::ListJoinedRowsResponse&>(answer).rows_size());
  }
  void ReadRows(const Message& answer, std::span<const std::string> labels, size_t rows_max,
                const TakeRow& take) const override {
    std::vector<FlatCell> cells;
    for (const Joined& row : static_cast<const v1::ListJoinedRowsResponse&>(answer).rows()) {
      if (rows_max-- == 0) return;
      const auto label = [&](const std::string& name) {
        const FlatCell cell = Label(row.match().series_labels(), name);
        return cell.index() == 0 ? Label(row.transition().labels(), name) : cell;
      };
      Take(row, labels, label, cells, take);
    }
  }
};

using AlertRow = v1::Alert;
constexpr RowColumn<AlertRow> kAlerts[] = {
    {{"alert_id", FlatType::kText, "Identifies the episode over all its changes."},
     [](const AlertRow& r) { return Text(r.alert_id()); }},
    {{"starts_at", FlatType::kTime, "When it began to fire."},
     [](const AlertRow& r) { return Time(true, r.transition().starts_at()); }},
    {{"ends_at", FlatType::kTime, "When it was resolved; none while it fires."},
     [](const AlertRow& r) {
       return Time(r.transition().has_ends_at(), r.transition().ends_at());
     }},
    {{"duration", FlatType::kNumber, "Seconds from starts_at to ends_at."},
     [](const AlertRow& r) {
       return Seconds(r.transition().has_duration(), r.transition().duration());
     }},
    {{"state", FlatType::kText, "FIRING or RESOLVED."},
     [](const AlertRow& r) { return State(r.transition().state()); }},
    {{"alert", FlatType::kText, "The label alertname."},
     [](const AlertRow& r) { return Text(r.transition().alert_name()); }},
    {{"job", FlatType::kText, "The label job."},
     [](const AlertRow& r) { return Text(r.transition().job()); }},
    {{"instance", FlatType::kText, "The label instance."},
     [](const AlertRow& r) { return Text(r.transition().instance()); }},
    {{"source", FlatType::kText, "The alert source."},
     [](const AlertRow& r) { return Text(r.transition().source()); }},
    {{"fingerprint", FlatType::kText, "Hash of the labels, in hex."},
     [](const AlertRow& r) { return Text(r.transition().fingerprint()); }},
    {{"reported_value", FlatType::kNumber, "The value that the newest notification claimed."},
     [](const AlertRow& r) {
       return Optional(r.transition().has_reported_value(), r.transition().reported_value());
     }},
    {{"active_at", FlatType::kTime, "When its expression became true."},
     [](const AlertRow& r) {
       return Time(r.transition().has_active_at(), r.transition().active_at());
     }},
    {{"received_time", FlatType::kTime, "When ingest-service first heard of it."},
     [](const AlertRow& r) { return Time(r.has_received_time(), r.received_time()); }},
    {{"generator_url", FlatType::kText, "Where the sender says it comes from."},
     [](const AlertRow& r) { return Text(r.transition().generator_url()); }},
    {{"sequence", FlatType::kInteger, "Position of its last change in the correlator's order."},
     [](const AlertRow& r) { return Integer(r.sequence()); }},
    {{"labels", FlatType::kLabels, "All labels."},
     [](const AlertRow& r) { return FlatCell(&r.transition().labels()); }},
    {{"annotations", FlatType::kLabels, "All annotations."},
     [](const AlertRow& r) { return FlatCell(&r.transition().annotations()); }},
};

class AlertTable final : public RowTable<AlertRow> {
 public:
  AlertTable()
      : RowTable("alerts", "One row for each episode of an alert, newest start first.",
                 "ListAlerts", 1000, kAlerts) {}

  size_t CountRows(const Message& answer) const override {
    return static_cast<size_t>(static_cast<const v1::ListAlertsResponse&>(answer).alerts_size());
  }
  void ReadRows(const Message& answer, std::span<const std::string> labels, size_t rows_max,
                const TakeRow& take) const override {
    std::vector<FlatCell> cells;
    for (const AlertRow& row : static_cast<const v1::ListAlertsResponse&>(answer).alerts()) {
      if (rows_max-- == 0) return;
      const auto label = [&](const std::string& name) {
        return Label(row.transition().labels(), name);
      };
      Take(row, labels, label, cells, take);
    }
  }
};

struct SampleRow {
  const v1::Series* series;
  const v1::Sample* sample;
};
constexpr RowColumn<SampleRow> kSamples[] = {
    {{"time", FlatType::kTime, "Time of the sample."},
     [](const SampleRow& r) { return Time(true, r.sample->time()); }},
    {{"value", FlatType::kNumber, "Its value; none where the series ends (a stale marker)."},
     [](const SampleRow& r) { return Optional(r.sample->has_value(), r.sample->value()); }},
    {{"query", FlatType::kText, "Name of the query."},
     [](const SampleRow& r) { return Text(r.series->query().name()); }},
    {{"source", FlatType::kText, "The metrics source."},
     [](const SampleRow& r) { return Text(r.series->query().source()); }},
    {{"expression", FlatType::kText, "PromQL of the query."},
     [](const SampleRow& r) { return Text(r.series->query().expression()); }},
    {{"labels", FlatType::kLabels, "All labels of the series."},
     [](const SampleRow& r) { return FlatCell(&r.series->labels()); }},
};

class SampleTable final : public RowTable<SampleRow> {
 public:
  SampleTable()
      : RowTable("samples", "One row for each sample that is held, series by series, by time.",
                 "ListSamples", 10'000, kSamples) {}

  size_t CountRows(const Message& answer) const override {
    size_t rows = 0;
    for (const auto& series : static_cast<const v1::ListSamplesResponse&>(answer).series()) {
      rows += static_cast<size_t>(series.samples_size());
    }
    return rows;
  }
  void ReadRows(const Message& answer, std::span<const std::string> labels, size_t rows_max,
                const TakeRow& take) const override {
    std::vector<FlatCell> cells;
    for (const auto& series : static_cast<const v1::ListSamplesResponse&>(answer).series()) {
      const auto label = [&](const std::string& name) {
        return Label(series.series().labels(), name);
      };
      for (const v1::Sample& sample : series.samples()) {
        if (rows_max-- == 0) return;
        Take({&series.series(), &sample}, labels, label, cells, take);
      }
    }
  }
};

}  // namespace

std::span<const FlatTable* const> FlatTables() {
  static const JoinedTable joined;
  static const AlertTable alerts;
  static const SampleTable samples;
  static const FlatTable* const tables[] = {&joined, &alerts, &samples};
  return tables;
}

}  // namespace alertjoin
