#include "correlator-service/query/unary_calls.h"

#include <chrono>
#include <exception>
#include <utility>

#include "common/log/log.h"
#include "common/net/grpc_status.h"
#include "common/status/error_reason.h"
#include "common/status/status.h"

namespace alertjoin {
namespace {

absl::Status TooMany() {
  return MakeError("TOO_MANY_CALLS", "too many calls at once: ask again later");
}

absl::Status TooLate() {
  return MakeError("DEADLINE_EXCEEDED",
                   "the call's deadline passed before its answer was there: allow more time, or "
                   "ask for less");
}

// What `answer` gives. One that throws has met a fault of ours, on a request that the others who
// are served here must not pay for.
absl::Status Answered(const UnaryCalls::Answer& answer, const grpc::ByteBuffer& request,
                      grpc::ByteBuffer* response) {
  static LogLimiter limiter(std::chrono::seconds(10));
  try {
    ASSIGN_OR_RETURN(*response, answer(request));
    return absl::OkStatus();
  } catch (const std::exception& error) {
    if (limiter.Allow()) LogError("call failed", {{"error", error.what()}});
  }
  return absl::InternalError("this is an error of the correlator, and its log has it: report it");
}

}  // namespace

StillWanted UnaryCalls::WantedBy(const grpc::CallbackServerContext& context) {
  return [&context] {
    // First the deadline: when it passes, the call is cancelled, too.
    if (std::chrono::system_clock::now() > context.deadline()) return TooLate();
    return context.IsCancelled() ? absl::CancelledError("the caller has gone") : absl::OkStatus();
  };
}

grpc::ServerUnaryReactor* UnaryCalls::Serve(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response, Answer answer) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto finish = [reactor](const absl::Status& status) {
    reactor->Finish(status.ok() ? grpc::Status::OK : ToGrpcStatus(status));
  };
  const bool taken = pool_.TrySubmit([=, answer = std::move(answer)] {
    const absl::Status wanted = WantedBy(*context)();
    finish(wanted.ok() ? Answered(answer, *request, response) : wanted);
  });
  if (!taken) finish(TooMany());
  return reactor;
}

}  // namespace alertjoin
