#pragma once

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/status/status.h"
#include "correlator-service/rows/memory_row_store.h"
#include "correlator-service/subscribe/subscription_cursor.h"
#include "tests/support/joined_rows.h"
#include "tests/support/status_matchers.h"

namespace alertjoin {

// A store, and cursors on it that are stepped by hand.
class SubscriptionCursorTest : public testing::Test {
 protected:
  using Kind = SubscriptionStep::Kind;

  // A row of an hour ago, and so much later.
  static RowSpec Row(int id, int64_t seconds = 0) {
    RowSpec spec;
    spec.id = id;
    spec.event_time = kRowsNow - std::chrono::hours(1) + std::chrono::seconds(seconds);
    return spec;
  }
  void Open(MemoryRowStoreOptions options) {
    store_ = std::make_unique<MemoryRowStore>(registry_, std::move(options));
    neighbours_.clear();
    cache_ = std::make_unique<SelectionCache>();
  }
  RowStore& store() {
    if (store_ == nullptr) Open({});
    return *store_;
  }
  SubscriptionCursor Subscribe(SubscriptionArguments arguments = {}, MessageLimits limits = {}) {
    RowStore& its_store = store();
    neighbours_.push_back(cache_->Of(arguments.filter));
    auto cursor =
        SubscriptionCursor::Create(its_store, std::move(arguments), kRowsNow, limits, cache_.get());
    EXPECT_THAT(cursor, IsOk());
    return *std::move(cursor);
  }
  absl::Status Refusal(SubscriptionArguments arguments) {
    return SubscriptionCursor::Create(store(), std::move(arguments), kRowsNow).status();
  }
  // The next message; fails when there is none.
  SubscriptionMessage Next(SubscriptionCursor& cursor) {
    const auto step = cursor.Next(false, kRowsNow);
    EXPECT_THAT(step, IsOk());
    EXPECT_EQ(step->kind, Kind::kMessage);
    return step->message.value_or(SubscriptionMessage{});
  }
  template <typename Body>
  Body NextBody(SubscriptionCursor& cursor) {
    const SubscriptionMessage message = Next(cursor);
    const Body* const body = std::get_if<Body>(&message.body);
    EXPECT_NE(body, nullptr) << "another message: " << message.body.index();
    return body == nullptr ? Body{} : *body;
  }
  // Everything up to idle.
  void Drain(SubscriptionCursor& cursor, FoldedRows& folded) {
    for (;;) {
      const auto step = cursor.Next(false, kRowsNow);
      ASSERT_THAT(step, IsOk());
      if (step->kind == Kind::kIdle) return;
      if (step->kind == Kind::kMessage) folded.Apply(*step->message);
    }
  }
  // As Drain, and the last token.
  std::string TokenAfterDrain(SubscriptionCursor& cursor) {
    FoldedRows folded;
    Drain(cursor, folded);
    return cursor.Token();
  }
  static std::vector<RowId> IdsOf(const RowsMessage& rows) {
    std::vector<RowId> ids;
    for (const auto& entry : rows.entries) ids.push_back(entry.row->id);
    return ids;
  }
  Sequence Commit(std::vector<RowSpec> specs) {
    std::vector<JoinedRow> changes;
    for (const RowSpec& spec : specs) changes.push_back(MakeRow(spec));
    return store().Commit({.changes = std::move(changes)}).value();
  }
  Sequence CommitGap(const std::string& query_name) {
    Gap gap;
    if (!query_name.empty()) gap.query = Query{"prom", query_name, "x", TimeKind::kSample};
    return store().Commit({.gaps = {gap}}).value();
  }
  static std::string ReasonOf(const absl::Status& status) {
    const auto detail = DetailOf(status);
    return detail.has_value() ? detail->reason : "";
  }

  prometheus::Registry registry_;
  std::unique_ptr<MemoryRowStore> store_;
  std::unique_ptr<SelectionCache> cache_;
  // Others with the same filters, so that cursors share.
  std::vector<std::shared_ptr<FilterSelections>> neighbours_;
};

// Filters of every kind; the first one matches everything.
inline std::vector<RowFilter> Filters() {
  std::vector<RowFilter> filters(5);
  filters[1].matchers = *ParseMatchers("severity=critical");
  filters[2].final_only = true;
  filters[3].query_name = "q";
  filters[4].state = AlertState::kResolved;
  filters[4].final_only = true;
  filters[4].matchers = *ParseMatchers("alertname=~alert[0-4]");
  return filters;
}

}  // namespace alertjoin
