#include "correlator-service/model/transition_report.h"

#include <algorithm>

namespace alertjoin {
namespace {

bool IsFound(const Transition& report) { return report.origin == Origin::kReconciliation; }

// A reported NaN looks like every other, though it equals none.
bool SameButForNan(Transition a, Transition b) {
  if (a.reported_value && b.reported_value && SameValue(*a.reported_value, *b.reported_value)) {
    a.reported_value.reset();
    b.reported_value.reset();
  }
  for (size_t i = 0; i < std::min(a.reported_values.size(), b.reported_values.size()); ++i) {
    double& value = a.reported_values[i].second;
    double& other = b.reported_values[i].second;
    if (SameValue(value, other)) value = other = 0;
  }
  return a == b;
}

bool SameTimes(const Transition& a, const Transition& b) {
  return a.starts_at == b.starts_at && a.ends_at == b.ends_at && a.active_at == b.active_at;
}

}  // namespace

bool Outranks(const Transition& a, const Transition& b) { return IsFound(b) && !IsFound(a); }

bool SameForReaders(const Transition& a, const Transition& b) {
  if (&a == &b) return true;
  return SameTimes(a, b) && (a == b || SameButForNan(a, b));
}

}  // namespace alertjoin
