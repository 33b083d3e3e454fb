"""The correlator's folder is put back from a snapshot and given a new id: who saw what is gone is told
so, also when the numbers have long passed those that it knows."""
import shutil
import signal
import unittest

import grpc

import support
from alert_feed import Episode, now_ms
from fault_stack import FaultStack, notification
from secure_calls import reason_of
from support import wait_until

STREAMS = ("JoinedRows", "Alerts", "Samples")
WITHIN_SECONDS = 30


class RestoredTest(unittest.TestCase):
    def setUp(self):
        self.stack = FaultStack(self, ingests=("one",))
        self.stack.start_all()
        self.numbers = iter(range(1000))

    def post(self, count):
        """Posts that many alerts, one after the other, and waits for their rows."""
        for _ in range(count):
            before = len(self.stack.rows()[0])
            body = notification([Episode(next(self.numbers), "free", "i1", now_ms()).as_alert()])
            self.assertEqual(200, self.stack.post("one", body))
            wait_until(lambda before=before: len(self.stack.rows()[0]) > before, WITHIN_SECONDS,
                       "another row")

    def stop_correlator(self):
        self.stack.signal("correlator", signal.SIGTERM)
        self.assertEqual(0, self.stack.result_of("correlator"))

    def ask(self, command):
        status, lines, errors = self.stack.ask_correlator(command)
        self.assertEqual(0, status, "\n".join(lines) + errors)
        return lines

    def subscribe(self, channel, stream, **arguments):
        api = support.api()
        request = getattr(api, f"Subscribe{stream}Request")(**arguments)
        stub = api.CorrelatorServiceStub(channel)
        return getattr(stub, f"Subscribe{stream}")(request, timeout=WITHIN_SECONDS)

    def token_of(self, stream):
        """Of a subscription that has everything."""
        with support.client.open_channel(self.stack.address["grpc"]) as channel:
            call = self.subscribe(channel, stream)
            for response in call:
                if response.HasField("snapshot_complete"):
                    call.cancel()
                    return response.resume_token
        raise AssertionError(f"the stream of {stream} ended")

    def refusal_of(self, stream, token):
        """The reason; "" when the subscription goes on."""
        with support.client.open_channel(self.stack.address["grpc"]) as channel:
            call = self.subscribe(channel, stream, resume_token=token)
            try:
                next(call)
                call.cancel()
                return ""
            except grpc.RpcError as error:
                self.assertEqual(grpc.StatusCode.FAILED_PRECONDITION, error.code(), error)
                return reason_of(error)

    def test_tokens_of_what_is_gone_are_refused_for_good(self):
        data, snapshot = self.stack.directory / "data", self.stack.directory / "snapshot"
        self.post(1)
        self.stop_correlator()
        shutil.copytree(data, snapshot)
        self.stack.start("correlator")
        self.post(2)
        _, lost_sequence = self.stack.rows()
        tokens = {stream: self.token_of(stream) for stream in STREAMS}
        self.stop_correlator()
        shutil.rmtree(data)
        shutil.copytree(snapshot, data)

        self.assertRegex(self.ask("new-store-id")[0], "^store id [0-9a-f]{32}, before [0-9a-f]{32}$")
        self.stack.start("correlator")
        self.post(4)
        # Another history under the same numbers.
        self.assertGreater(self.stack.rows()[1], lost_sequence)
        self.assertEqual(dict.fromkeys(STREAMS, "RESUME_TOKEN_FOREIGN"),
                         {stream: self.refusal_of(stream, tokens[stream]) for stream in STREAMS})

        # The store is whole, and its new id stays.
        tokens = {stream: self.token_of(stream) for stream in STREAMS}
        self.stop_correlator()
        self.ask("verify")
        self.stack.start("correlator")
        self.assertEqual(dict.fromkeys(STREAMS, ""),
                         {stream: self.refusal_of(stream, tokens[stream]) for stream in STREAMS})

    def test_where_no_store_is_none_is_made(self):
        self.stop_correlator()
        shutil.rmtree(self.stack.directory / "data")
        status, _, errors = self.stack.ask_correlator("new-store-id")
        self.assertNotEqual(0, status)
        self.assertIn("data/rows: there is none", errors)
        self.assertFalse((self.stack.directory / "data").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
