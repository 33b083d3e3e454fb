"""The one exception of this package."""
from __future__ import annotations

import grpc
from google.rpc import error_details_pb2, status_pb2

_DETAILS = "grpc-status-details-bin"


class AlertjoinError(Exception):
    """A call failed. `hint` says what to do, where the correlator knows.

    code: name of the gRPC status, such as "INVALID_ARGUMENT".
    reason: stable and machine-readable, such as "INVALID_FILTER"; "" where there is none.
    field: the field of the request that is at fault; "" where none is.
    metadata: what the correlator says besides, such as the last resume token.
    """

    def __init__(self, code: str, message: str, reason: str = "", field: str = "",
                 metadata: dict[str, str] | None = None):
        super().__init__(f"{message} ({reason or code})")
        self.code = code
        self.hint = message
        self.reason = reason
        self.field = field
        self.metadata = metadata or {}

    @classmethod
    def from_rpc(cls, error: grpc.RpcError) -> AlertjoinError:
        reason, field, metadata = "", "", {}
        for key, value in error.trailing_metadata() or ():
            if key != _DETAILS:
                continue
            for detail in status_pb2.Status.FromString(value).details:
                info = error_details_pb2.ErrorInfo()
                bad = error_details_pb2.BadRequest()
                if detail.Unpack(info):
                    reason, metadata = info.reason, dict(info.metadata)
                elif detail.Unpack(bad) and bad.field_violations:
                    field = bad.field_violations[0].field
        return cls(error.code().name, error.details() or "", reason, field, metadata)
