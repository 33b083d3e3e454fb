"""Reads alertjoin: joined rows of alerts and metrics, live and as pandas frames.

    import alertjoin
    aj = alertjoin.connect()
    aj.joined(filter="severity=page", since="now-1d")     # a frame
    for message in aj.subscribe(filter="severity=page"):  # live, and across restarts
        ...
"""
from alertjoin.client import Client, connect
from alertjoin.errors import AlertjoinError
from alertjoin.live import LiveTable
from alertjoin.security import tls
from alertjoin.subscription import Message

__all__ = ["AlertjoinError", "Client", "LiveTable", "Message", "connect", "tls"]
