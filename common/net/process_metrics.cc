#include "common/net/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

namespace alertjoin {
namespace {

std::string ReadFile(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

double Seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// When the machine was started, in seconds since the epoch. Not from /proc/stat, which a sandbox
// may hide (systemd's ProcSubset=pid).
double BootTime() { return Seconds(CLOCK_REALTIME) - Seconds(CLOCK_BOOTTIME); }

std::optional<double> OpenFiles() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  return count - 1;  // The one that reads the folder.
}

class Families {
 public:
  void Add(const char* name, const char* help, std::optional<double> value,
           prometheus::MetricType type = prometheus::MetricType::Gauge) {
    if (!value.has_value()) return;
    prometheus::ClientMetric metric;
    if (type == prometheus::MetricType::Counter) {
      metric.counter.value = *value;
    } else {
      metric.gauge.value = *value;
    }
    families_.push_back({name, help, type, {std::move(metric)}});
  }
  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace

bool ParseProcessStat(std::string_view text, ProcessStat* stat) {
  const size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) return false;
  std::istringstream fields{std::string(text.substr(name_end + 2))};
  // Numbered as in proc(5), where the state, a letter, is the third.
  std::string state;
  if (!(fields >> state)) return false;
  constexpr int kFields = 24;
  int64_t values[kFields + 1] = {};
  for (int i = 4; i <= kFields; ++i) {
    if (!(fields >> values[i])) return false;
  }
  const auto field = [&values](int number) { return static_cast<uint64_t>(values[number]); };
  *stat = {field(14) + field(15), field(20), field(22), field(23), field(24)};
  return true;
}

std::vector<prometheus::MetricFamily> CollectProcessMetrics() {
  Families families;
  ProcessStat stat;
  if (ParseProcessStat(ReadFile("/proc/self/stat"), &stat)) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    families.Add("process_cpu_seconds_total", "Processor time used, of user and system.",
                 static_cast<double>(stat.cpu_ticks) / ticks, prometheus::MetricType::Counter);
    families.Add(
        "process_resident_memory_bytes", "Memory that is in RAM.",
        static_cast<double>(stat.resident_pages) * static_cast<double>(sysconf(_SC_PAGESIZE)));
    families.Add("process_virtual_memory_bytes", "Size of the address space.",
                 static_cast<double>(stat.virtual_bytes));
    families.Add("process_threads", "Threads of the process.", static_cast<double>(stat.threads));
    // Once: the clocks do not agree to the last digit, and somebody may set one of them.
    static const double start_time = BootTime() + static_cast<double>(stat.start_ticks) / ticks;
    families.Add("process_start_time_seconds", "When the process started.", start_time);
  }
  families.Add("process_open_fds", "File descriptors that are open.", OpenFiles());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    families.Add("process_max_fds", "Most file descriptors that may be open.",
                 static_cast<double>(limit.rlim_cur));
  }
  return families.Take();
}

}  // namespace alertjoin
