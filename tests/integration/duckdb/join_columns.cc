// Joins 1 M samples of 10,000 series, a tenth of them late, with 100,000 transitions, and writes
// the input and the joined rows as columns into the folder given: row_series.u32,
// row_event_time.i64, row_sample_time.i64 (-1 without a sample), row_value.f64.

#include "tests/support/join_workload.h"

namespace alertjoin {
namespace {

void Run(const std::filesystem::path& folder) {
  JoinWorkloadOptions options;
  options.samples_per_series = 100;
  options.transitions = 100'000;
  options.late_share = 0.1;
  const JoinWorkload workload = MakeJoinWorkload(options);
  WriteColumns(workload, folder);
  Engine engine{EngineLimits{}};
  for (const auto& batch : workload.batches) engine.Apply(batch, Timestamp());
  std::vector<uint32_t> series;
  std::vector<int64_t> event_times;
  std::vector<int64_t> sample_times;
  std::vector<double> values;
  for (const JoinedRow& row : engine.Rows()) {
    series.push_back(SeriesNumberOf(row));
    event_times.push_back(row.transition->event_time().millis());
    sample_times.push_back(row.match.sample_time ? row.match.sample_time->millis() : -1);
    values.push_back(row.match.value.value_or(0));
  }
  WriteColumn(folder / "row_series.u32", series);
  WriteColumn(folder / "row_event_time.i64", event_times);
  WriteColumn(folder / "row_sample_time.i64", sample_times);
  WriteColumn(folder / "row_value.f64", values);
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) {
  alertjoin::Require(argc == 2, "usage: join_columns FOLDER");
  alertjoin::Run(argv[1]);
}
