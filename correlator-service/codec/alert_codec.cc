#include "correlator-service/codec/alert_codec.h"

#include "common/event/event_parts.h"
#include "correlator-service/codec/row_codec.h"

namespace alertjoin {

void EncodeAlert(const Alert& alert, Operation operation, v1::Alert* out) {
  out->set_alert_id(ToHex(alert.id));
  out->set_sequence(alert.sequence.value());
  out->set_operation(static_cast<v1::Operation>(operation));
  EncodeTransition(*alert.transition, out->mutable_transition());
  *out->mutable_received_time() = EncodeTime(alert.received_time);
}

}  // namespace alertjoin
