#include "correlator-service/rows/row_store.h"

namespace alertjoin {

RowPosition PositionOf(const JoinedRow& row) {
  return RowPosition{row.transition->event_time(), row.id};
}

}  // namespace alertjoin
