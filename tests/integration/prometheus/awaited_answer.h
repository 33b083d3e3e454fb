#pragma once

#include <chrono>
#include <future>
#include <memory>

#include "absl/status/statusor.h"
#include "common/status/status.h"

namespace alertjoin {

// The answer of an asynchronous call, waited for.
template <typename T>
class AwaitedAnswer {
 public:
  // The callback to hand over; it must be called exactly once.
  auto Callback() {
    return
        [promise = promise_](absl::StatusOr<T> answer) { promise->set_value(std::move(answer)); };
  }
  bool IsThere(std::chrono::milliseconds within) const {
    return future_.wait_for(within) == std::future_status::ready;
  }
  absl::StatusOr<T> Get() {
    if (!IsThere(std::chrono::seconds(30))) return absl::DeadlineExceededError("no answer at all");
    return future_.get();
  }

 private:
  std::shared_ptr<std::promise<absl::StatusOr<T>>> promise_ =
      std::make_shared<std::promise<absl::StatusOr<T>>>();
  std::future<absl::StatusOr<T>> future_ = promise_->get_future();
};

}  // namespace alertjoin
