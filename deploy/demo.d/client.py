"""A gRPC client of correlator-service, with stubs generated from proto/ when it starts."""
import importlib
import pathlib
import queue
import subprocess
import sys
import threading
import types

import grpc

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"


def generate(directory, root, *protos):
    """Compiles the protos (paths below `root`) into `directory` and makes them importable."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["protoc", f"--proto_path={root}", f"--python_out={directory}",
         f"--grpc_python_out={directory}",
         "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin", *protos], check=True)
    sys.path.insert(0, str(directory))


def load_api(directory):
    """The package alertjoin.v1: every message, enum and stub as an attribute of one object."""
    protos = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("alertjoin/v1/*.proto"))
    generate(directory, PROTO, *protos)
    api = types.SimpleNamespace()
    for proto in protos:
        module = proto.removesuffix(".proto").replace("/", ".")
        for name in (module + "_pb2", module + "_pb2_grpc"):
            vars(api).update(vars(importlib.import_module(name)))
    return api


def open_channel(address):
    """A plaintext channel that goes straight to loopback, whatever proxy the environment names."""
    return grpc.insecure_channel(address, options=[
        ("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", 64 * 1024 * 1024)])


class Subscription:
    """Messages of one stream, read by a thread of its own into a bounded queue."""

    _END = object()

    def __init__(self, call, messages_max=10000):
        self._call = call
        self._queue = queue.Queue(messages_max)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for message in self._call:
                self._queue.put(message)
            self._queue.put(self._END)
        except grpc.RpcError as error:
            self._queue.put(error)

    def next(self, seconds):
        """The next message, or None when none comes in that time.

        Raises EOFError at the end of the stream and grpc.RpcError when it failed.
        """
        try:
            message = self._queue.get(timeout=seconds)
        except queue.Empty:
            return None
        if message is self._END:
            raise EOFError("the stream ended")
        if isinstance(message, grpc.RpcError):
            raise message
        return message

    def cancel(self):
        self._call.cancel()
