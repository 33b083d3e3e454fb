"""Credentials for a correlator whose listener has TLS, client certificates or tokens."""
from __future__ import annotations

import pathlib
from typing import Any

import grpc


class _Token(grpc.AuthMetadataPlugin):
    """A bearer token from a file, which is read again for each call."""

    def __init__(self, path: str):
        self._path = pathlib.Path(path)

    def __call__(self, context: Any, callback: Any) -> None:
        try:
            token = self._path.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:  # Its text may quote the file.
            callback((), RuntimeError(f"{self._path}: cannot be read: {type(error).__name__}"))
            return
        callback((("authorization", f"Bearer {token}"),), None)


def tls(ca_file: str = "", cert_file: str = "", key_file: str = "", credentials_file: str = ""
        ) -> grpc.ChannelCredentials:
    """For connect(credentials=...): PEM files of the authority (the machine's own by default) and
    of this client's certificate and key, and a file with the bearer token, which is read again for
    each call. Raises ValueError where a file cannot be read now."""
    if bool(cert_file) != bool(key_file):
        raise ValueError("cert_file and key_file belong together")

    def read(path: str) -> bytes | None:
        try:
            return pathlib.Path(path).read_bytes() if path else None
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}") from error

    channel = grpc.ssl_channel_credentials(read(ca_file), read(key_file), read(cert_file))
    if not credentials_file:
        return channel
    read(credentials_file)  # A call that cannot read it is tried again, as if nobody were there.
    return grpc.composite_channel_credentials(
        channel, grpc.metadata_call_credentials(_Token(credentials_file)))
