"""Alerts and their values, sent on to where people look: Sysdig, Grafana, any webhook.

rows of the subscription -> state.py (which of them wait, what was sent, where the subscription
stands) -> events.py (one transition or one row, as text) -> sysdig.py, grafana.py, cloud_events.py
(as requests) -> http.py (until they are taken) -> dead_letters.py (what never will be).
"""
from alertjoin.forward.forwarder import Forwarder
from alertjoin.forward.options import Options

__all__ = ["Forwarder", "Options"]
