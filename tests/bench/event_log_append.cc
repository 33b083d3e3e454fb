// How fast records are made durable, and how much of the disk's sync rate that takes.
//
// Workload: appends of one record of 1,000 bytes to the event log on disk (RocksdbEventLog), from
// 1, 4 and 16 threads, each thread one append after the other, kSeconds each. In the same run, in
// the same folder: 1,000 bytes written to the end of a plain file, then fdatasync, by one thread.
// Checked before anything is printed: every acknowledged record can be read, at its position, from
// the log as opened again.
// The value is appends/s of 16 threads as a ratio to the plain file's syncs/s.
//   event_log_append [FOLDER]   Where to write: the working folder by default, since a folder for
//                               temporary files may be in memory.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "common/eventlog/rocksdb_event_log.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

constexpr double kSeconds = 3;
constexpr size_t kRecordBytes = 1000;
constexpr size_t kReadRecords = 1000;
constexpr uint64_t kLogBytesMax = uint64_t{8} << 30;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Does not compress and tells its thread and number.
std::string RecordOf(int thread, uint64_t number) {
  std::string record = fmt::format("{} {} ", thread, number);
  uint64_t noise = number * 64 + static_cast<uint64_t>(thread) + 1;
  while (record.size() < kRecordBytes) {
    noise = noise * 6364136223846793005 + 1442695040888963407;
    record.push_back(static_cast<char>(noise >> 56));
  }
  return record;
}

struct Rates {
  double appends_per_s = 0;
  double syncs_per_s = 0;
};

RocksdbEventLog::Options OptionsFor(const std::filesystem::path& folder) {
  RocksdbEventLog::Options options;
  options.folder = folder.string();
  options.bytes_max = kLogBytesMax;
  return options;
}

void CheckStored(const RocksdbEventLog& log, int threads, uint64_t appended) {
  std::vector<uint64_t> seen(static_cast<size_t>(threads));
  CHECK(log.bounds().next == LogPosition(appended + 1));
  for (uint64_t next = 1; next <= appended;) {
    const auto chunk = log.Read(LogPosition(next), kReadRecords, SIZE_MAX);
    CHECK(chunk.ok() && !chunk->records.empty());
    for (const std::string& record : chunk->records) {
      const int thread = std::atoi(record.c_str());
      CHECK(record == RecordOf(thread, seen[static_cast<size_t>(thread)]++));
    }
    next += chunk->records.size();
  }
}

Rates RunLog(const std::filesystem::path& folder, int threads) {
  std::filesystem::remove_all(folder);
  auto log = RocksdbEventLog::Open(OptionsFor(folder));
  CHECK(log.ok());
  const uint64_t syncs_before = (*log)->syncs();
  std::atomic<uint64_t> appended = 0;
  std::vector<std::thread> writers;
  const auto begin = Clock::now();
  for (int thread = 0; thread < threads; ++thread) {
    writers.emplace_back([&log, &appended, begin, thread] {
      for (uint64_t i = 0; SecondsSince(begin) < kSeconds; ++i) {
        CHECK((*log)->Append(std::vector<std::string>{RecordOf(thread, i)}).ok());
        ++appended;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const double seconds = SecondsSince(begin);
  const auto syncs = static_cast<double>((*log)->syncs() - syncs_before);
  log->reset();
  log = RocksdbEventLog::Open(OptionsFor(folder));
  CHECK(log.ok());
  CheckStored(**log, threads, appended);
  log->reset();
  std::filesystem::remove_all(folder);
  return {static_cast<double>(appended) / seconds, syncs / seconds};
}

double RunFile(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  CHECK(file >= 0);
  uint64_t writes = 0;
  const auto begin = Clock::now();
  for (; SecondsSince(begin) < kSeconds; ++writes) {
    const std::string record = RecordOf(0, writes);
    CHECK(write(file, record.data(), record.size()) == static_cast<ssize_t>(record.size()));
    CHECK(fdatasync(file) == 0);
  }
  const double seconds = SecondsSince(begin);
  CHECK(close(file) == 0);
  std::filesystem::remove(path);
  return static_cast<double>(writes) / seconds;
}

int Run(const std::filesystem::path& parent) {
  const auto folder = parent / fmt::format("event_log_append.{}", getpid());
  std::filesystem::create_directory(folder);
  Rates rates;
  double file_rate = 0;
  for (const int threads : {1, 4, 16}) {
    // The disk's rate changes with what else goes on: half of it before, half behind.
    file_rate = RunFile(folder / "file") / 2;
    rates = RunLog(folder / "log", threads);
    file_rate += RunFile(folder / "file") / 2;
    fmt::print("{:2} threads: {:.0f} appends/s, {:.0f} syncs/s; plain file: {:.0f} syncs/s\n",
               threads, rates.appends_per_s, rates.syncs_per_s, file_rate);
  }
  std::filesystem::remove_all(folder);
  fmt::print("event_log_append: {:.2f} x\n", rates.appends_per_s / file_rate);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace alertjoin

int main(int argc, char** argv) { return alertjoin::Run(argc > 1 ? argv[1] : "."); }
