#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/statusor.h"
#include "common/status/status.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

// The response is a refusal for this reason, which names this field and no other.
template <typename Response>
void ExpectRefusal(const absl::StatusOr<Response>& response, const std::string& reason,
                   const std::string& field) {
  ASSERT_THAT(response, StatusIs(absl::StatusCode::kInvalidArgument));
  const auto detail = DetailOf(response.status());
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, reason);
  ASSERT_EQ(detail->field_violations.size(), 1u);
  EXPECT_EQ(detail->field_violations[0].field, field);
}

}  // namespace alertjoin
