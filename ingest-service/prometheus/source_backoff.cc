#include "ingest-service/prometheus/source_backoff.h"

namespace alertjoin {

Timestamp SourceBackoff::OnFailure(Timestamp started, Timestamp now) {
  if (last_failure_.has_value() && started < *last_failure_ && blocked_until_ > now) {
    return blocked_until_;
  }
  last_failure_ = now;
  blocked_until_ = now + backoff_.Next();
  return blocked_until_;
}

void SourceBackoff::OnSuccess(Timestamp started) {
  if (last_failure_.has_value() && started < *last_failure_) return;
  last_failure_.reset();
  blocked_until_ = Timestamp::Min();
  backoff_.Reset();
}

Timestamp SourceBackoff::BlockedUntil(Timestamp now) const {
  if (!last_failure_.has_value() || *last_failure_ > now) return Timestamp::Min();
  return blocked_until_;
}

}  // namespace alertjoin
