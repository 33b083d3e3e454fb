#include "ingest-service/app/backfill_command.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "common/log/log.h"
#include "common/status/status.h"
#include "common/time/duration.h"
#include "common/time/time_point.h"
#include "ingest-service/app/backfill_config.h"
#include "ingest-service/app/backfill_spool.h"
#include "ingest-service/app/ingest_config.h"
#include "ingest-service/backfill/backfill_query.h"
#include "ingest-service/backfill/backfill_runner.h"
#include "ingest-service/grafana/find_data_sources.h"

namespace alertjoin {
namespace {

using std::chrono::seconds;
using Deadline = std::chrono::steady_clock::time_point;
using DataSources = std::vector<MetricsSourceOptions>;

constexpr char kQuery[] = "--query";
constexpr char kName[] = "--name";
constexpr char kSource[] = "--source";
constexpr char kFrom[] = "--from";
constexpr char kTo[] = "--to";
constexpr char kStep[] = "--step";
constexpr char kRate[] = "--rate";
constexpr char kAgain[] = "--again";

constexpr int kAttemptsMax = 4;
constexpr double kRateDefault = 5;
// Without an acknowledgement.
constexpr auto kCorrelatorPatience = seconds(60);
constexpr auto kBarInterval = std::chrono::milliseconds(200);
constexpr auto kLineInterval = seconds(10);

// Where people read how far it is: a bar that is drawn anew on a terminal, lines elsewhere.
class ProgressPrinter {
 public:
  ProgressPrinter() : is_terminal_(isatty(STDERR_FILENO) == 1), start_(Now()), next_line_(start_) {}

  void Show(const std::vector<BackfillReport>& reports) {
    const BackfillTotals totals = TotalsOf(reports);
    const auto elapsed = std::chrono::duration_cast<Millis>(Now() - start_);
    if (is_terminal_) {
      std::fprintf(stderr, "\r%s\033[K", ProgressBar(totals, elapsed, Columns()).c_str());
      drawn_ = true;
    } else if (Now() >= next_line_) {
      next_line_ = Now() + kLineInterval;
      std::fprintf(stderr, "%s\n", ProgressLine(totals, elapsed).c_str());
    }
  }
  void End() {
    if (std::exchange(drawn_, false)) std::fputc('\n', stderr);
  }

 private:
  static Deadline Now() { return SystemClock().SteadyNow(); }
  static size_t Columns() {
    winsize size{};
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
  }

  const bool is_terminal_;
  const Deadline start_;
  Deadline next_line_;
  bool drawn_ = false;
};

absl::StatusOr<double> ParseRate(const std::string& text) {
  double rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  const bool read = error == std::errc() && end == text.data() + text.size();
  if (read && rate > 0 && rate <= static_cast<double>(kBackfillRateMost)) return rate;
  return absl::InvalidArgumentError(
      fmt::format("{} \"{}\": requests a second, above 0 and up to {}", kRate, Excerpt(text),
                  kBackfillRateMost));
}

absl::StatusOr<BackfillWish> WishOf(const CommandArguments& arguments, Timestamp now) {
  BackfillWish wish;
  wish.query = arguments.Get(kQuery).value_or("");
  wish.name = arguments.Get(kName).value_or("");
  auto from = ParseTimePoint(arguments.Get(kFrom).value_or(""), now);
  if (!from.ok()) return Annotate(from.status(), kFrom);
  auto to = ParseTimePoint(arguments.Get(kTo).value_or("now"), now);
  if (!to.ok()) return Annotate(to.status(), kTo);
  wish.from = *from;
  wish.to = *to;
  if (const auto step = arguments.Get(kStep)) {
    const auto parsed = ParseDuration(*step);
    if (!parsed.ok()) return Annotate(parsed.status(), kStep);
    wish.step = *parsed;
  }
  return wish;
}

absl::Status CheckSources(const IngestConfig& config, const std::vector<std::string>& wanted) {
  if (config.metrics_sources.empty()) {
    return absl::InvalidArgumentError(
        "the configuration has no metrics_sources, and no Grafana has data sources");
  }
  for (const std::string& name : wanted) {
    const bool known = std::any_of(config.metrics_sources.begin(), config.metrics_sources.end(),
                                   [&](const auto& source) { return source.name == name; });
    if (!known) {
      return absl::InvalidArgumentError(
          fmt::format("{} {}: the configuration has no such metrics source", kSource, name));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BackfillRunner::Task>> TasksOf(const CommandArguments& arguments,
                                                          const IngestConfig& config,
                                                          Timestamp now) {
  ASSIGN_OR_RETURN(const BackfillWish wish, WishOf(arguments, now));
  double rate = kRateDefault;
  if (const auto text = arguments.Get(kRate)) {
    ASSIGN_OR_RETURN(rate, ParseRate(*text));
  }
  const std::vector<std::string> wanted = arguments.All(kSource);
  RETURN_IF_ERROR(CheckSources(config, wanted));
  std::vector<BackfillRunner::Task> tasks;
  for (const MetricsSourceOptions& source : config.metrics_sources) {
    const bool is_wanted =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), source.name) != wanted.end();
    if (!is_wanted) continue;
    auto task = BackfillTaskOf(source, wish, now);
    if (!task.ok()) return Annotate(task.status(), source.name);
    tasks.push_back({source, *std::move(task), rate});
  }
  return tasks;
}

// The same for everyone who asks for the same, whatever the time.
std::string HashOf(const std::vector<BackfillRunner::Task>& tasks) {
  LabelSet identity;
  uint64_t hash = 0;
  for (const BackfillRunner::Task& task : tasks) {
    const Query& query = task.task.query;
    const std::string step = task.task.step ? fmt::to_string(task.task.step->count()) : "";
    hash = LabelSet{
        {"before", fmt::to_string(hash)},
        {"source", query.source},
        {"name", query.name},
        {"expression", query.expression},
        {"step",
         step}}.Fingerprint();
  }
  return fmt::format("{:016x}", hash);
}

void WarnOfRetention(const std::vector<BackfillRunner::Task>& tasks,
                     const std::optional<Millis>& retention, Timestamp now) {
  if (!retention.has_value()) return;
  const bool too_old = std::any_of(tasks.begin(), tasks.end(), [&](const auto& task) {
    return task.task.wanted.from < now - *retention;
  });
  if (!too_old) return;
  LogWarn(
      "the correlator refuses samples that are older than it keeps them: make its "
      "retention.samples longer",
      {{"retention_samples", FormatDuration(*retention)}});
}

// Shows how far it is until all is done and acknowledged.
absl::Status Watch(BackfillRunner& runner, BackfillSpool& spool) {
  ProgressPrinter printer;
  LogPosition acknowledged = spool.acknowledged();
  Deadline patience = SystemClock().SteadyNow() + kCorrelatorPatience;
  for (;;) {
    const Deadline next = SystemClock().SteadyNow() + kBarInterval;
    const bool finished = runner.WaitFinished(next) && spool.WaitAcknowledged(next);
    printer.Show(runner.Reports());
    if (finished) break;
    absl::Status status = spool.health();
    if (spool.waiting() == 0 || spool.acknowledged() != acknowledged) {
      acknowledged = spool.acknowledged();
      patience = SystemClock().SteadyNow() + kCorrelatorPatience;
    } else if (SystemClock().SteadyNow() >= patience) {
      status = spool.Unreachable();
    }
    if (!status.ok()) {
      printer.End();
      return status;
    }
  }
  printer.End();
  return absl::OkStatus();
}

// A Grafana that does not tell its data sources.
struct SilentGrafana {
  std::string name;
  absl::Status status;
};

absl::Status PrintResults(const std::vector<BackfillReport>& reports,
                          const std::vector<SilentGrafana>& silent) {
  bool complete = silent.empty();
  for (const BackfillReport& report : reports) {
    complete = complete && report.failures.empty();
    for (const std::string& line : ResultLines(report)) std::printf("%s\n", line.c_str());
  }
  for (const SilentGrafana& grafana : silent) {
    std::printf("%s: FAILED, none of its data sources was asked: %s\n", grafana.name.c_str(),
                MessageOf(grafana.status).c_str());
  }
  if (complete) return absl::OkStatus();
  return absl::DataLossError(
      "backfill: not complete, see FAILED above: start it again to ask for the rest");
}

// With the data sources of those Grafanas that are wanted, which are metrics sources like others.
// One that cannot be asked is no hindrance to the others, unless it is wanted by name.
absl::StatusOr<std::vector<SilentGrafana>> AddDataSources(const std::vector<std::string>& wanted,
                                                          IngestConfig& config) {
  const auto named = [&wanted](const GrafanaOptions& grafana) {
    return std::ranges::any_of(wanted, [&grafana](const std::string& source) {
      return source.starts_with(grafana.name + "/");
    });
  };
  std::vector<std::pair<const GrafanaOptions*, std::future<absl::StatusOr<DataSources>>>> asked;
  for (const GrafanaOptions& grafana : config.grafana_sources) {
    if (!wanted.empty() && !named(grafana)) continue;
    asked.emplace_back(
        &grafana, std::async(std::launch::async, [&grafana] { return FindDataSources(grafana); }));
  }
  std::vector<SilentGrafana> silent;
  for (auto& [grafana, answer] : asked) {
    const auto found = answer.get();
    if (found.ok()) {
      config.metrics_sources.insert(config.metrics_sources.end(), found->begin(), found->end());
    } else {
      silent.push_back({grafana->name, found.status()});
    }
  }
  if (!silent.empty() && (!wanted.empty() || config.metrics_sources.empty())) {
    return silent.front().status;
  }
  return silent;
}

absl::Status RunBackfill(const CommandArguments& arguments) {
  ASSIGN_OR_RETURN(IngestConfig config, ReadIngestConfig(arguments.config_file));
  ASSIGN_OR_RETURN(const std::vector<SilentGrafana> silent,
                   AddDataSources(arguments.All(kSource), config));
  const Timestamp now = SystemClock().Now();
  ASSIGN_OR_RETURN(auto tasks, TasksOf(arguments, config, now));
  ASSIGN_OR_RETURN(const auto spool, BackfillSpool::Open(config, HashOf(tasks)));
  RETURN_IF_ERROR(spool->Connect());
  WarnOfRetention(tasks, spool->sample_retention(), now);
  BackfillRunner::Options options;
  options.tasks = std::move(tasks);
  options.attempts_max = kAttemptsMax;
  options.state_folder = BackfillFolderOf(config);
  const CorrelatorStore::Known store = spool->store();
  options.store_id = store.id;
  options.again = arguments.Has(kAgain) || store.losses > 0;
  if (const auto retention = spool->sample_retention()) options.kept_from = now - *retention;
  ASSIGN_OR_RETURN(const auto runner,
                   BackfillRunner::Create(std::move(options), *spool, SystemClock()));
  runner->Start();
  const absl::Status status = Watch(*runner, *spool);
  runner->Stop();
  RETURN_IF_ERROR(status);
  if (spool->store() != store) {
    return absl::DataLossError(
        "backfill: the correlator has lost meanwhile what it had: start this again with --again");
  }
  return PrintResults(runner->Reports(), silent);
}

}  // namespace

ServiceCommand BackfillCommand() {
  ServiceCommand command;
  command.name = "backfill";
  command.description =
      "Ask metrics sources for the past of a query and hand it to the correlator. The service may "
      "run meanwhile. Whoever starts the same again goes on where it was";
  command.switches = {{kAgain, "Ask for what was done before, too"}};
  command.options = {
      {kQuery, "PROMQL", "The name of a configured query, or PromQL", true},
      {kName, "NAME", "Name of the query; by default the PromQL itself"},
      {kSource, "NAME", "Only this metrics source; may be repeated"},
      {kFrom, "TIME", "Begin: now-30d, now/d, 2026-03-01T10:00:00Z, Unix time in s or ms", true},
      {kTo, "TIME", "End; by default now"},
      {kStep, "DURATION", "Distance of evaluations; raw samples of a plain selector without it"},
      {kRate, "NUMBER", "Most requests a second to each source; by default 5"}};
  command.run = RunBackfill;
  return command;
}

}  // namespace alertjoin
