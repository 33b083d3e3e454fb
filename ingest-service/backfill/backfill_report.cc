#include "ingest-service/backfill/backfill_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/time/duration.h"
#include "common/time/rfc3339.h"

namespace alertjoin {
namespace {

constexpr size_t kBarCells = 30;
constexpr size_t kBarCellsMin = 10;

std::string Grouped(uint64_t number) {
  std::string text = fmt::to_string(number);
  for (size_t digits = 3; digits < text.size(); digits += 4) text.insert(text.size() - digits, ",");
  return text;
}

std::string Counted(uint64_t count, const char* one, const char* many) {
  return fmt::format("{} {}", Grouped(count), count == 1 ? one : many);
}

// How much longer it takes at the speed so far.
std::optional<Millis> TimeLeft(const BackfillTotals& totals, Millis elapsed) {
  if (totals.done <= 0 || totals.done >= 1) return std::nullopt;
  const double left = static_cast<double>(elapsed.count()) * (1 - totals.done) / totals.done;
  // Whole seconds, and at least one.
  return Millis(std::max<int64_t>(1, static_cast<int64_t>(left / 1000)) * 1000);
}

std::string Facts(const BackfillTotals& totals, Millis elapsed) {
  std::string text =
      fmt::format("{:3.0f}%  {}/{} queries  {}", totals.done * 100, totals.queries_finished,
                  totals.queries, Counted(totals.samples, "sample", "samples"));
  if (totals.failures > 0) text += fmt::format("  {} failed", Grouped(totals.failures));
  if (const auto left = TimeLeft(totals, elapsed)) {
    text += fmt::format("  {} left", FormatDuration(*left));
  }
  return text;
}

std::string Shown(const TimeRange& range) {
  return fmt::format("{} to {}", FormatRfc3339(range.from), FormatRfc3339(range.through));
}

}  // namespace

void AddFailure(BackfillReport& report, BackfillReport::Failure failure) {
  if (!report.failures.empty()) {
    BackfillReport::Failure& last = report.failures.back();
    if (last.reason == failure.reason && last.range.through + Millis(1) == failure.range.from) {
      last.range.through = failure.range.through;
      return;
    }
  }
  report.failures.push_back(std::move(failure));
}

BackfillTotals TotalsOf(const std::vector<BackfillReport>& reports) {
  BackfillTotals totals;
  Millis total(0);
  Millis left(0);
  for (const BackfillReport& report : reports) {
    total += report.total;
    left += report.left;
    totals.samples += report.samples;
    totals.chunks += report.chunks;
    totals.failures += report.failures.size();
    ++totals.queries;
    if (report.finished) ++totals.queries_finished;
  }
  totals.done = total > Millis(0)
                    ? 1 - static_cast<double>(left.count()) / static_cast<double>(total.count())
                    : 1;
  return totals;
}

std::string ProgressBar(const BackfillTotals& totals, Millis elapsed, size_t columns) {
  const std::string facts = Facts(totals, elapsed);
  // Two brackets, a space, and the last column, where some terminals break the line.
  const size_t taken = facts.size() + 4;
  const size_t room = columns > taken ? columns - taken : 0;
  if (room < kBarCellsMin) return facts.substr(0, columns > 0 ? columns - 1 : 0);
  const size_t cells = std::min(room, kBarCells);
  const auto full = static_cast<size_t>(totals.done * static_cast<double>(cells));
  return fmt::format("[{}{}] {}", std::string(full, '#'), std::string(cells - full, '-'), facts);
}

std::string ProgressLine(const BackfillTotals& totals, Millis elapsed) {
  return fmt::format("backfill: {}  {} so far", Facts(totals, elapsed),
                     Counted(totals.chunks, "chunk", "chunks"));
}

std::vector<std::string> ResultLines(const BackfillReport& report) {
  const std::string name = fmt::format("{}: {}", report.query.source, report.query.name);
  std::vector<std::string> lines;
  if (report.total == Millis(0)) {
    lines.push_back(fmt::format("{}: {} was done before", name, Shown(report.wanted)));
  } else {
    lines.push_back(fmt::format("{}: {}: {} in {}", name, Shown(report.wanted),
                                Counted(report.samples, "sample", "samples"),
                                Counted(report.chunks, "chunk", "chunks")));
  }
  if (report.samples_too_old > 0) {
    lines.push_back(
        fmt::format("{}: {} older than the correlator keeps them, and refused there: "
                    "make its retention.samples longer, then run this with --again",
                    name, Counted(report.samples_too_old, "sample is", "samples are")));
  }
  for (const BackfillReport::Failure& failure : report.failures) {
    lines.push_back(fmt::format("{}: FAILED {}: {}", name, Shown(failure.range), failure.reason));
  }
  return lines;
}

}  // namespace alertjoin
