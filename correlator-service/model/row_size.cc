#include "correlator-service/model/row_size.h"

namespace alertjoin {
namespace {

// Times, numbers and tags of a row; tags and lengths of a label.
constexpr size_t kRowBytes = 256;
// Of an alert.
constexpr size_t kAlertBytes = 160;
constexpr size_t kLabelBytes = 8;

size_t Bytes(const LabelSet& labels) {
  size_t bytes = 0;
  for (const auto& [name, value] : labels) bytes += name.size() + value.size() + kLabelBytes;
  return bytes;
}

size_t Bytes(const Query& query) {
  return query.source.size() + query.name.size() + query.expression.size();
}

size_t Bytes(const Notification& notification) {
  return notification.receiver.size() + notification.group_key.size() +
         Bytes(notification.group_labels) + Bytes(notification.common_labels) +
         Bytes(notification.common_annotations) + Bytes(notification.route_labels) +
         notification.external_url.size() + notification.notification_reason.size();
}

}  // namespace

size_t ApproximateBytes(const Transition& transition) {
  size_t bytes = transition.source.size() + transition.fingerprint.size() +
                 Bytes(transition.labels) + Bytes(transition.annotations) +
                 transition.generator_url.size() + Bytes(transition.notification) +
                 transition.traceparent.size();
  for (const auto& [name, value] : transition.reported_values) {
    bytes += name.size() + sizeof(value) + kLabelBytes;
  }
  return bytes;
}

size_t ApproximateBytes(const JoinedRow& row) {
  size_t bytes = kRowBytes + ApproximateBytes(*row.transition);
  if (row.binding != nullptr) bytes += Bytes(row.binding->query);
  if (row.match.series != nullptr) bytes += Bytes(row.match.series->labels);
  if (row.match.query_error != nullptr) bytes += row.match.query_error->size();
  return bytes;
}

size_t ApproximateBytes(const Alert& alert) {
  return kAlertBytes + ApproximateBytes(*alert.transition);
}

}  // namespace alertjoin
