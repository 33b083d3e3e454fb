"""What the end-to-end tests share: one running stack, a client, and waiting with a deadline."""
import atexit
import contextlib
import functools
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "deploy" / "demo.d"))

# The children that are forked while channels are open replace themselves at once. With its support
# for others gRPC waits before each fork for threads that may never be idle.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc  # noqa: E402

import client  # noqa: E402
from client import Subscription  # noqa: E402,F401
import stack as demo_stack  # noqa: E402

SEEN_MOST = 2000  # characters that a wait which fails shows of what there was
# The build folder whose services are tested.
BINARIES = pathlib.Path(os.environ.get("ALERTJOIN_BINARIES", REPOSITORY / "build" / "dev"))


@functools.cache
def shared_stack():
    """The stack that all tests of this process use, on ports that nobody prefers."""
    running = demo_stack.Stack(BINARIES, ports=dict.fromkeys(demo_stack.PREFERRED_PORTS, 0),
                               ingest=HERE / "ingest.yml")
    # Entered before any gRPC channel is open, since gRPC does not like to be forked.
    running.__enter__()
    atexit.register(running.stop)
    return running


@functools.cache
def stubs_directory():
    directory = tempfile.mkdtemp(prefix="alertjoin-stubs-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return pathlib.Path(directory)


@functools.cache
def api():
    """Messages, enums and stubs of alertjoin.v1."""
    return client.load_api(stubs_directory() / "alertjoin")


@functools.cache
def channel():
    return client.open_channel(shared_stack().addresses["correlator_grpc"])


@functools.cache
def correlator():
    """A stub of CorrelatorService of the shared stack."""
    return api().CorrelatorServiceStub(channel())


def list_all_rows(page_size=1000, stub=None, **arguments):
    """Every row by pages, of the shared stack when no stub is given. Returns the rows and the
    sequences of the pages."""
    stub = stub or correlator()
    rows, sequences, token = [], [], ""
    while True:
        request = api().ListJoinedRowsRequest(page_size=page_size, page_token=token, **arguments)
        response = stub.ListJoinedRows(request, timeout=30)
        rows += response.rows
        sequences.append(response.sequence)
        token = response.next_page_token
        if not token:
            return rows, sequences


def seeded_random():
    """Random numbers whose seed is printed, and taken from ALERTJOIN_TEST_SEED."""
    seed = int(os.environ.get("ALERTJOIN_TEST_SEED", random.randrange(1 << 32)))
    print(f"ALERTJOIN_TEST_SEED={seed}", flush=True)
    return random.Random(seed)


def wait_until(condition, seconds, what, seen=None):
    """Waits for a true result of condition() and returns it; fails when it does not come, and says
    what there was instead: what seen() gives then, or else the condition itself."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            last = seen() if seen else result
            told = "" if last is False or last is None else f"; there is {str(last)[:SEEN_MOST]}"
            raise AssertionError(f"not within {seconds} s: {what}{told}")
        time.sleep(0.1)


def wait_for(expected, get, seconds, what):
    """Waits until get() gives what is expected; fails when it does not, and says what it gave."""
    last = None

    def there():
        nonlocal last
        last = get()
        return last == expected
    wait_until(there, seconds, f"{what}: {str(expected)[:SEEN_MOST]}", seen=lambda: repr(last))


def first_of(call, seconds):
    """The first message of a stream that goes on; fails when none comes in time."""
    timer = threading.Timer(seconds, call.cancel)
    timer.start()
    try:
        return next(call)
    except (grpc.RpcError, StopIteration) as error:
        raise AssertionError(f"no message of the stream within {seconds} s: {error}") from error
    finally:
        timer.cancel()


def of_class(test_class):
    """Stands for a test where a stack shall live as long as all tests of a class."""
    return types.SimpleNamespace(addCleanup=test_class.addClassCleanup)


def wait_for_rows():
    """Waits until the shared stack has final rows of both states."""
    def there():
        shared_stack().check()
        rows, _ = list_all_rows(final_only=True)
        return {row.transition.state for row in rows} == {1, 2}
    wait_until(there, 90, "final rows of both states")


@functools.cache
def find_grpcurl():
    """Path of grpcurl, or None. Where it is absent but Go is there, it is built for these tests."""
    own = BINARIES / "tools"
    places = os.pathsep.join([os.environ["PATH"], os.path.expanduser("~/go/bin"), str(own)])
    if not shutil.which("grpcurl", path=places) and shutil.which("go"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["go", "install", "github.com/fullstorydev/grpcurl/cmd/grpcurl@latest"],
                           env={**os.environ, "GOBIN": str(own)}, timeout=120, check=False)
    return shutil.which("grpcurl", path=places)
