#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/status/statusor.h"

namespace alertjoin {

constexpr size_t kJsonDepthMax = 32;
// Separators (commas and colons), so about twice the values of a document: what bounds the memory
// of the parsed form, which for tiny values is many times the text. 20,000 alerts of usual size
// have 800,000.
constexpr size_t kJsonSeparatorsMax = 2'000'000;

// What bounds a JSON text before anything is built of it. INVALID_ARGUMENT with the limit, reason
// OVER_LIMIT; of a text that is no JSON nothing else is said.
absl::Status CheckJsonLimits(std::string_view text);

// The error for a text that nlohmann's parser does not take: INVALID_ARGUMENT, reason NOT_JSON,
// with the byte position where it is known.
absl::Status NotJson(const nlohmann::json::exception& error);

// Parses a JSON text (RFC 8259, UTF-8) that keeps the limits: time is linear in the size, and no
// depth can exhaust the stack. Of doubled keys the last counts. INVALID_ARGUMENT with the byte
// position and reason NOT_JSON, or with the limit and reason OVER_LIMIT.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text);

}  // namespace alertjoin
