#pragma once

#include <cstddef>

namespace alertjoin {

// Limits of one event. Beyond them an event is malformed (common/event/event_rules.h).
constexpr size_t kLabelsMax = 64;
constexpr size_t kLabelNameBytesMax = 256;
constexpr size_t kLabelValueBytesMax = 4 << 10;
constexpr size_t kAnnotationsMax = 64;
constexpr size_t kAnnotationValueBytesMax = 16 << 10;
constexpr size_t kRawPayloadBytesMax = 3 << 20;
// Names of sources and producers, and fingerprints.
constexpr size_t kIdentifierBytesMax = 256;
// What a source said of an error, or says of itself.
constexpr size_t kSourceTextBytesMax = 1 << 10;

// Limits of one EventBatch message, as ingest_service.proto states them.
constexpr size_t kBatchEventsMax = 10'000;
constexpr size_t kBatchBytesMax = 4 << 20;
// One encoded event: leaves room in a message for what is around it.
constexpr size_t kEventBytesMax = 7 << 19;
// An encoded batch of samples: references grow when it is encoded again for a stream, at worst by
// half.
constexpr size_t kSampleBatchBytesMax = 5 << 19;

}  // namespace alertjoin
