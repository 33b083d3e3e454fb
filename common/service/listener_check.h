#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/access/access_control.h"
#include "common/service/listener_flags.h"

namespace alertjoin {

// Whether a listener could be opened at the address, as far as that can be said without doing it:
// the errors of CheckListener and LoadAccess.
absl::Status CheckHttpListener(const ListenerFlags& flags, const std::string& listen_address);
absl::Status CheckGrpcListener(const ListenerFlags& flags, const std::string& listen_address);

// The control over the access to a listener, not started yet; null when the flags name no file.
absl::StatusOr<std::shared_ptr<AccessControl>> OpenHttpAccess(const ListenerFlags& flags,
                                                              prometheus::Registry& registry);
absl::StatusOr<std::shared_ptr<AccessControl>> OpenGrpcAccess(const ListenerFlags& flags,
                                                              prometheus::Registry& registry);

}  // namespace alertjoin
