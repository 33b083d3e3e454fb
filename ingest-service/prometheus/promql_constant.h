#pragma once

#include <optional>

#include "ingest-service/prometheus/promql_tree.h"

namespace alertjoin {

// The value of a number, or of arithmetic on numbers, to the bit as Prometheus computes it. Nothing
// when the node holds something else, or where that bit is not certain.
std::optional<double> FoldConstant(const PromqlTree& tree, const PromqlNode& node);

// Whether the node is made of numbers alone.
bool IsConstant(const PromqlTree& tree, const PromqlNode& node);

}  // namespace alertjoin
