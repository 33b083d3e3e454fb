#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "alertjoin/storage/v1/log_record.pb.h"
#include "common/event/event.h"

namespace alertjoin {

// Writes the columns of `batch` in a form for records: each one into `columns` when it is smaller
// there, else into `samples`. `refs` has the reference of each series by its number in the batch.
// REQUIRES: the columns are equally long; `samples` has none yet.
void PackColumns(const SampleBatch& batch, std::span<const uint32_t> refs, v1::SampleBatch* samples,
                 storage::v1::SampleColumns* columns);

// The way back: adds to `samples` what `columns` has. INVALID_ARGUMENT when the bytes were not made
// by PackColumns and cannot be read; what else may be wrong with the columns, EventDecoder finds.
absl::Status UnpackColumns(const storage::v1::SampleColumns& columns, v1::SampleBatch* samples);

}  // namespace alertjoin
