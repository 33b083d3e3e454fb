#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <string_view>
#include <vector>

namespace alertjoin {

// What the kernel says of this process, as Prometheus' own client libraries name it:
// process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
// process_start_time_seconds, process_open_fds, process_max_fds, process_threads. Read anew for
// each call; what cannot be read is left out. Thread-safe.
std::vector<prometheus::MetricFamily> CollectProcessMetrics();

// The fields of /proc/<pid>/stat that count here, in the units of the kernel.
struct ProcessStat {
  uint64_t cpu_ticks = 0;  // User and system.
  uint64_t threads = 0;
  uint64_t start_ticks = 0;  // Since boot.
  uint64_t virtual_bytes = 0;
  uint64_t resident_pages = 0;
};
// False when the text is none. The process may have any name, parentheses and spaces included.
bool ParseProcessStat(std::string_view text, ProcessStat* stat);

}  // namespace alertjoin
