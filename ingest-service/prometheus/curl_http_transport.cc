#include "ingest-service/prometheus/curl_http_transport.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status/status.h"
#include "common/sync/thread.h"
#include "ingest-service/prometheus/curl_url.h"

namespace alertjoin {
namespace {

// How long the thread rests at most; it is woken for new calls and by its sockets.
constexpr int kPollMs = 200;

void InitCurlOnce() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(initialised == CURLE_OK);
}

absl::Status StatusOfCurl(CURLcode code, std::string_view detail) {
  // Some details quote the address of a proxy, and a password in it.
  const bool quotable = !detail.empty() && detail.find('@') == std::string_view::npos;
  const std::string message(quotable ? detail : curl_easy_strerror(code));
  if (code == CURLE_OPERATION_TIMEDOUT) return absl::DeadlineExceededError(message);
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) {
    return absl::InvalidArgumentError(message);
  }
  return absl::UnavailableError(message);
}

std::optional<Timestamp> ParseHttpDate(const std::string& text) {
  const time_t seconds = curl_getdate(text.c_str(), nullptr);
  if (seconds <= 0) return std::nullopt;
  return Timestamp::FromMillis(static_cast<int64_t>(seconds) * 1000);
}

long SslVersions(TlsClientOptions::Version min, TlsClientOptions::Version max) {
  using Version = TlsClientOptions::Version;
  // In libcurl's encoding the greatest version stands above the least.
  constexpr int kMaxShift = 16;
  const auto number = [](Version version) -> long {
    if (version == Version::k10) return CURL_SSLVERSION_TLSv1_0;
    if (version == Version::k11) return CURL_SSLVERSION_TLSv1_1;
    return version == Version::k13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;
  };
  return number(min) | (max == Version::kDefault ? 0L : number(max) << kMaxShift);
}

}  // namespace

struct CurlHttpTransport::CurlHandles {
  CURLM* multi = nullptr;
  std::vector<CURL*> idle;

  CurlHandles() : multi(curl_multi_init()) { CHECK(multi != nullptr); }
  ~CurlHandles() {
    for (CURL* easy : idle) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  CurlHandles(const CurlHandles&) = delete;
  CurlHandles& operator=(const CurlHandles&) = delete;

  CURL* TakeEasy() {
    if (idle.empty()) {
      CURL* easy = curl_easy_init();
      CHECK(easy != nullptr);
      return easy;
    }
    CURL* easy = idle.back();
    idle.pop_back();
    return easy;
  }
  // With no pointer to its last transfer left in it.
  void GiveBack(CURL* easy) {
    curl_easy_reset(easy);
    idle.push_back(easy);
  }
};

// One call in progress. Keeps alive what curl points to.
class CurlHttpTransport::Transfer {
 public:
  Transfer(CURL* easy, Lane& lane, Waiting waiting, const CurlHttpTransportOptions& options,
           Millis timeout)
      : easy_(easy),
        lane_(lane),
        waiting_(std::move(waiting)),
        body_bytes_max_(waiting_.call.body_bytes_max > 0 ? waiting_.call.body_bytes_max
                                                         : options.body_bytes_max) {
    const HttpCall& call = waiting_.call;
    Set(CURLOPT_URL, call.url.c_str());
    if (call.tls != nullptr) SetTls(*call.tls);
    if (!call.proxy_url.empty()) {
      Set(CURLOPT_PROXY, call.proxy_url.Reveal().c_str());
      Set(CURLOPT_NOPROXY, call.no_proxy.c_str());
    }
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    // A look-up that hangs must not hold up the thread when its call is given up.
    Set(CURLOPT_QUICK_EXIT, 1L);
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
    Set(CURLOPT_ACCEPT_ENCODING, "");
    Set(CURLOPT_ERRORBUFFER, &error_[0]);
    Set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
    Set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    for (const std::string& header : call.headers) AddHeader(header);
    AddHeader("Expect:");
    if (call.form.has_value()) {
      Set(CURLOPT_POST, 1L);
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.form->size()));
      Set(CURLOPT_POSTFIELDS, call.form->data());
    }
    Set(CURLOPT_HTTPHEADER, headers_);
  }
  ~Transfer() {
    --lane_.in_flight;
    curl_slist_free_all(headers_);
    curl_slist_free_all(connect_to_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  absl::StatusOr<HttpAnswer> Result(CURLcode code) {
    if (too_large_) {
      return absl::ResourceExhaustedError(
          fmt::format("answer is larger than {} bytes", body_bytes_max_));
    }
    if (code != CURLE_OK) return StatusOfCurl(code, &error_[0]);
    long http_code = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &http_code);
    HttpAnswer answer{static_cast<int>(http_code), std::move(body_)};
    const auto location = http_code >= 300 && http_code <= 399 ? Header("Location") : std::nullopt;
    if (location.has_value()) answer.redirect_url = ResolveUrl(waiting_.call.url, *location);
    if (const auto date = Header("Date"); date.has_value()) answer.date = ParseHttpDate(*date);
    return answer;
  }
  Done TakeDone() { return std::move(waiting_.done); }

 private:
  template <typename Value>
  void Set(CURLoption option, Value value) {
    // Fails only for options that this libcurl does not have, or without memory.
    CHECK(curl_easy_setopt(easy_, option, value) == CURLE_OK);
  }

  void SetBlob(CURLoption option, const std::string& text) {
    // It stays where it is for as long as the transfer holds the call.
    curl_blob blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
    if (!text.empty()) Set(option, &blob);
  }

  void SetTls(const TlsMaterial& tls) {
    SetBlob(CURLOPT_CAINFO_BLOB, tls.ca);
    SetBlob(CURLOPT_SSLCERT_BLOB, tls.cert);
    SetBlob(CURLOPT_SSLKEY_BLOB, tls.key.Reveal());
    Set(CURLOPT_SSL_VERIFYPEER, tls.insecure_skip_verify ? 0L : 1L);
    Set(CURLOPT_SSL_VERIFYHOST, tls.insecure_skip_verify ? 0L : 2L);
    Set(CURLOPT_SSLVERSION, SslVersions(tls.min_version, tls.max_version));
    if (!tls.server_name.empty()) SetServerName(tls.server_name);
  }

  // libcurl verifies the host of the URL, so the name goes there, and the connection elsewhere.
  void SetServerName(const std::string& server_name) {
    const auto renamed = RenameHost(waiting_.call.url, server_name);
    if (!renamed.has_value()) return;
    Set(CURLOPT_URL, renamed->url.c_str());
    AddHeader("Host: " + renamed->original_host);
    connect_to_ = curl_slist_append(nullptr, renamed->connect_to.c_str());
    CHECK(connect_to_ != nullptr);
    Set(CURLOPT_CONNECT_TO, connect_to_);
  }

  std::optional<std::string> Header(const char* name) {
    curl_header* header = nullptr;
    if (curl_easy_header(easy_, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
      return std::nullopt;
    }
    return header->value;
  }

  void AddHeader(const std::string& header) {
    curl_slist* grown = curl_slist_append(headers_, header.c_str());
    CHECK(grown != nullptr);
    headers_ = grown;
  }

  // A large body would be copied again and again as it grows.
  void ReserveBody() {
    curl_off_t announced = -1;
    curl_easy_getinfo(easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (announced > 0 && static_cast<size_t>(announced) <= body_bytes_max_) {
      body_.reserve(static_cast<size_t>(announced));
    }
  }

  static size_t OnBody(char* bytes, size_t size, size_t count, void* self_pointer) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    const size_t length = size * count;
    if (self.body_.empty()) self.ReserveBody();
    if (length > self.body_bytes_max_ - self.body_.size()) {
      self.too_large_ = true;
      return 0;
    }
    self.body_.append(bytes, length);
    return length;
  }

  CURL* const easy_;
  Lane& lane_;
  Waiting waiting_;
  const size_t body_bytes_max_;
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  char error_[CURL_ERROR_SIZE] = "";
  std::string body_;
  bool too_large_ = false;
};

CurlHttpTransport::CurlHttpTransport(CurlHttpTransportOptions options) : options_(options) {
  InitCurlOnce();
  handles_ = std::make_unique<CurlHandles>();
  thread_ = StartThread("http-client", [this] { Run(); });
}

CurlHttpTransport::~CurlHttpTransport() { Stop(); }

absl::Status CurlHttpTransport::TryQueue(HttpCall& call, Done& done) {
  MutexLock lock(mutex_);
  if (stopping_) return absl::CancelledError("stopping");
  size_t& queued = queued_[call.lane];
  if (queued >= options_.queued_per_lane_max) {
    return absl::ResourceExhaustedError(
        fmt::format("{}: {} HTTP calls wait already", call.lane, queued));
  }
  ++queued;
  const Deadline deadline = std::chrono::steady_clock::now() + call.timeout;
  arrivals_.push_back({std::move(call), std::move(done), deadline});
  return absl::OkStatus();
}

void CurlHttpTransport::Start(HttpCall call, Done done) {
  const absl::Status status = TryQueue(call, done);
  if (!status.ok()) return done(status);
  curl_multi_wakeup(handles_->multi);
}

void CurlHttpTransport::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(handles_->multi);
  if (thread_.joinable()) thread_.join();
}

void CurlHttpTransport::Run() {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (stopping_) break;
    }
    TakeArrivals();
    StartWaiting();
    int running = 0;
    curl_multi_perform(handles_->multi, &running);
    FinishCompleted();
    curl_multi_poll(handles_->multi, nullptr, 0, kPollMs, nullptr);
  }
  CancelAll();
}

void CurlHttpTransport::TakeArrivals() {
  std::deque<Waiting> arrivals;
  {
    MutexLock lock(mutex_);
    arrivals.swap(arrivals_);
  }
  for (Waiting& waiting : arrivals) {
    Lane& lane = lanes_[waiting.call.lane];
    lane.queue.push_back(std::move(waiting));
  }
}

void CurlHttpTransport::StartWaiting() {
  const Deadline now = std::chrono::steady_clock::now();
  for (auto& [name, lane] : lanes_) {
    while (!lane.queue.empty()) {
      const bool expired = lane.queue.front().deadline <= now;
      if (!expired && lane.in_flight >= options_.in_flight_per_lane_max) break;
      Waiting waiting = std::move(lane.queue.front());
      lane.queue.pop_front();
      {
        MutexLock lock(mutex_);
        --queued_[name];
      }
      if (expired) {
        waiting.done(absl::DeadlineExceededError("timed out behind other calls"));
      } else {
        Begin(lane, std::move(waiting));
      }
    }
  }
}

void CurlHttpTransport::Begin(Lane& lane, Waiting waiting) {
  const auto left = std::chrono::ceil<Millis>(waiting.deadline - std::chrono::steady_clock::now());
  CURL* easy = handles_->TakeEasy();
  ++lane.in_flight;
  auto transfer = std::make_unique<Transfer>(easy, lane, std::move(waiting), options_,
                                             std::max(left, Millis(1)));
  CHECK(curl_multi_add_handle(handles_->multi, easy) == CURLM_OK);
  transfers_.emplace(easy, std::move(transfer));
}

void CurlHttpTransport::FinishCompleted() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(handles_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;  // Gone once the handle is removed.
    const auto node = transfers_.extract(easy);
    Transfer& transfer = *node.mapped();
    absl::StatusOr<HttpAnswer> result = transfer.Result(code);
    const Done done = transfer.TakeDone();
    curl_multi_remove_handle(handles_->multi, easy);
    handles_->GiveBack(easy);
    done(std::move(result));
  }
}

void CurlHttpTransport::CancelAll() {
  TakeArrivals();
  for (auto& [easy, transfer] : transfers_) {
    curl_multi_remove_handle(handles_->multi, easy);
    curl_easy_cleanup(easy);
    transfer->TakeDone()(absl::CancelledError("stopped"));
  }
  transfers_.clear();
  for (auto& [name, lane] : lanes_) {
    for (Waiting& waiting : lane.queue) waiting.done(absl::CancelledError("stopped"));
    lane.queue.clear();
  }
}

}  // namespace alertjoin
