#pragma once

#include <optional>
#include <vector>

#include "common/event/event.h"
#include "correlator-service/pipeline/event_sink.h"

namespace alertjoin {

// What Engine::Expire takes.
struct Horizons {
  Timestamp samples = Timestamp::Min();
  Timestamp rows = Timestamp::Min();
  friend bool operator==(const Horizons&, const Horizons&) = default;
};

// What the writer applies at once, and one record of the event log. All that follows from it is a
// function of the rounds up to it, so that a round that is applied again after a restart makes the
// same changes with the same sequences.
struct Round {
  Timestamp time;                    // When it was taken.
  std::optional<Horizons> horizons;  // Applied before the events.
  // Of all producers, in order; and how far each of them has come with it.
  std::vector<Event> events;
  std::vector<ProducerPosition> producers;
  // Said again before records that said it are trimmed (Engine::CarryOver).
  std::vector<Event> carried;
};

}  // namespace alertjoin
