"""A subscriber's copy of the table, which checks what the stream promises."""
import time


class RowTable:
    """Folds messages of one SubscribeJoinedRows stream, taken from a client.Subscription."""

    def __init__(self, subscription):
        self.rows = {}
        self.messages = 0
        self.progress_in_a_row = 0
        self.deleted = set()
        self.sequence = 0
        self.snapshot_sequence = None
        self._subscription = subscription

    def read_until(self, condition, seconds, what, check=lambda: None):
        """Takes messages until condition(), which is asked after each. check() may raise."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}")
            check()
            message = self._subscription.next(0.2)
            if message is not None:
                self._take(message)

    def _take(self, message):
        kind = message.WhichOneof("message")
        expect(message.resume_token, f"a {kind} message has no resume token")
        expect((kind == "started") == (self.messages == 0), f"message {self.messages} is {kind}")
        self.messages += 1
        self.progress_in_a_row = self.progress_in_a_row + 1 if kind == "progress" else 0
        if kind == "rows":
            expect(message.rows.rows, "a message of no rows")
            for row in message.rows.rows:
                self._apply(row)
        elif kind == "snapshot_complete":
            expect(self.snapshot_sequence is None, "a second snapshot_complete")
            self.snapshot_sequence = message.snapshot_complete.sequence
            self._advance(self.snapshot_sequence)
        elif kind == "progress":
            self._advance(message.progress.sequence)
        else:
            expect(kind == "started", f"unexpected message {kind}")

    def _apply(self, row):
        known = self.rows.get(row.row_id)
        if self.snapshot_sequence is not None:
            expect(row.sequence > self.snapshot_sequence, f"a change of the snapshot again: {row}")
            self._advance(row.sequence)
        expect(known is None or row.revision > known.revision, f"no new revision: {known} {row}")
        if row.operation == 2:
            expect(known is not None, f"DELETE of a row that was never sent: {row}")
            self.deleted.add(row.row_id)
            del self.rows[row.row_id]
        else:
            expect(row.operation == 1, f"neither UPSERT nor DELETE: {row}")
            self.rows[row.row_id] = row

    def _advance(self, sequence):
        expect(sequence >= self.sequence, f"sequence {sequence} after {self.sequence}")
        self.sequence = sequence


def expect(condition, message):
    if not condition:
        raise AssertionError(message)
