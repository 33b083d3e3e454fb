#pragma once

#include <string>

#include "common/event/event.h"
#include "common/event/wire_writer.h"

namespace alertjoin {

// Appends a serialised v1::TransitionEvent: what EncodeTransition and EncodeBinding say, without a
// message. A field that they learn must be learnt here, too; event_codec_test compares the two.
void WriteTransition(const TransitionEvent& transition, WireWriter& out);

}  // namespace alertjoin
