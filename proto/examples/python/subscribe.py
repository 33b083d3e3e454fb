"""Prints what the metrics were when alerts changed: final rows, live, across restarts."""
import sys

import alertjoin
from alertjoin.v1.events_pb2 import AlertState

with alertjoin.connect(sys.argv[1]) as client:
    for message in client.subscribe(filter=sys.argv[2], final_only=True):
        for row in message.rows:
            state = AlertState.Name(row.transition.state)
            value = row.match.value if row.match.HasField("value") else None
            print(state, row.transition.alert_name, row.query.name, value, flush=True)
