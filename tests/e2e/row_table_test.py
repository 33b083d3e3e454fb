"""A subscriber's table finds what is wrong with a stream: streams doctored in one place each."""
import unittest

from row_table import RowTable
from support import api

UPSERT, DELETE = 1, 2


def message(**fields):
    return api().SubscribeJoinedRowsResponse(resume_token="token", **fields)


def started(store_id="store", sequence=0):
    return message(started=api().Started(store_id=store_id, sequence=sequence))


def rows(*changes):
    """A message of rows, each given as (row id, revision, sequence) or with an operation, too."""
    batch = api().RowBatch()
    for row_id, revision, sequence, *operation in changes:
        batch.rows.add(row_id=row_id, revision=revision, sequence=sequence,
                       operation=operation[0] if operation else UPSERT)
    return message(rows=batch)


def progress(sequence):
    return message(progress=api().Progress(sequence=sequence))


class RowTableTest(unittest.TestCase):
    def setUp(self):
        self.table = RowTable(None, every_revision=True)
        complete = message(snapshot_complete=api().SnapshotComplete(sequence=0))
        self.take(started(), complete)

    def take(self, *messages):
        for one in messages:
            self.table.take(one)

    def assert_fault(self, words, *messages):
        with self.assertRaisesRegex(AssertionError, words):
            self.take(*messages)

    def test_a_whole_stream_is_well(self):
        self.take(rows(("a", 1, 1), ("b", 1, 1)), rows(("a", 2, 2)), progress(2))
        self.table.resume(None)
        self.take(started(sequence=4), rows(("a", 3, 3, DELETE), ("b", 2, 4)), progress(4))
        self.assertEqual(["b"], list(self.table.rows))
        self.assertEqual({"a": 1, "b": 1}, self.table.first_sequences)
        self.assertEqual({"b"}, self.table.provisional)

    def test_a_row_that_comes_again_begins_anew(self):
        self.take(rows(("a", 1, 1)), rows(("a", 2, 2, DELETE)), rows(("a", 1, 3)))
        self.assertEqual(1, self.table.rows["a"].revision)
        self.assert_fault("revision 1 is followed by", rows(("a", 3, 4)))

    def test_a_revision_left_out(self):
        self.assert_fault("revision 1 is followed by", rows(("a", 1, 1)), rows(("a", 3, 2)))

    def test_the_first_revision_left_out(self):
        self.assert_fault("revision 0 is followed by", rows(("a", 2, 1)))

    def test_a_message_doubled(self):
        self.assert_fault("no new revision", rows(("a", 1, 1)), rows(("a", 1, 1)))

    def test_a_sequence_of_alerts_alone_is_none_of_its_own(self):
        self.take(rows(("a", 1, 1)), rows(("b", 1, 3)), progress(4))
        self.assertEqual(4, self.table.sequence)

    def test_a_sequence_that_goes_back(self):
        self.assert_fault("sequence 1 after 2", rows(("a", 1, 1)), rows(("a", 2, 2)),
                          rows(("b", 1, 1)))

    def test_a_delete_of_nothing(self):
        self.assert_fault("never sent", rows(("a", 1, 1, DELETE)))

    def test_another_store_after_a_break(self):
        self.table.resume(None)
        self.assert_fault("another store", started(store_id="other"))

    def test_a_store_that_has_forgotten_what_it_sent(self):
        self.take(rows(("a", 1, 1)))
        self.table.resume(None)
        self.assert_fault("the store is at 0, and had sent 1", started(sequence=0))


if __name__ == "__main__":
    unittest.main(verbosity=2)
