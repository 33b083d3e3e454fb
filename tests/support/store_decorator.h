#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "correlator-service/rows/row_store.h"

namespace alertjoin {

// A row store that hands every call on to another one: what a test is about it overrides. As
// thread-safe as the other.
class StoreDecorator : public RowStore {
 public:
  // `store` must outlive it.
  explicit StoreDecorator(RowStore& store) : store_(store) {}

  absl::StatusOr<Sequence> Commit(RowCommit commit) override {
    return store_.Commit(std::move(commit));
  }
  void PublishProgress(std::shared_ptr<const ProgressBoard> progress) override {
    store_.PublishProgress(std::move(progress));
  }
  void RaiseOnChange(std::shared_ptr<ChangeSignal> signal) override {
    store_.RaiseOnChange(std::move(signal));
  }
  const std::string& store_id() const override { return store_.store_id(); }
  Sequence newest() const override { return store_.newest(); }
  Sequence floor() const override { return store_.floor(); }
  SharedRow Find(const RowId& id) const override { return store_.Find(id); }
  RowPage ReadRows(const RowRange& range, size_t rows_max) const override {
    return store_.ReadRows(range, rows_max);
  }
  AlertPage ReadAlerts(const RowRange& range, size_t alerts_max) const override {
    return store_.ReadAlerts(range, alerts_max);
  }
  absl::StatusOr<ChangesRead> ReadChanges(Sequence after, size_t changes_max,
                                          size_t bytes_max) const override {
    return store_.ReadChanges(after, changes_max, bytes_max);
  }
  std::shared_ptr<const ProgressBoard> Progress() const override { return store_.Progress(); }
  std::vector<SharedSourceStatus> Sources() const override { return store_.Sources(); }

 protected:
  RowStore& store_;
};

}  // namespace alertjoin
