#pragma once

#include "alertjoin/v1/joined_row.pb.h"
#include "correlator-service/model/joined_row.h"

namespace alertjoin {

// Fills `out`, which must be empty, from the row. What is derived is derived here: alert_name, job
// and instance from the labels; the duration of RESOLVED rows; sample_age. `operation` stands in
// for the row's own: what the change means to the reader, whose filter it may only have left.
void EncodeRow(const JoinedRow& row, Operation operation, v1::JoinedRow* out);
// Part of it: the alert's side.
void EncodeTransition(const Transition& transition, v1::Transition* out);
// Part of it: an answer to what was at `time`.
void EncodeMatch(const Match& match, Timestamp time, v1::Match* out);

}  // namespace alertjoin
