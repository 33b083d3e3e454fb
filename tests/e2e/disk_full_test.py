"""The disk of either service is full: it says so and stops, what it took is there when it comes back
with room, and nothing that was not kept was ever said to be."""
import http.client
import subprocess
import unittest

from alert_feed import Episode, now_ms
from fault_stack import SOURCE, FaultStack, notification
from support import wait_for, wait_until

# RocksDB needs a few write buffers of 16 MiB before it writes out the first one.
SMALL, LARGE = "12m", "256m"
PADDING_BYTES = 12 * 1024  # of an alert, so that the disk is full soon; at most 16 KiB are taken
POSTS_MAX = 4000


class AlertStack(FaultStack):
    """Its ingests have nothing but alerts."""
    POLLS = False


class DiskFullTest(unittest.TestCase):
    def mount(self, path):
        """Makes the folder a small disk of its own. Skips the test where that is not allowed."""
        path.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", path],
                                 capture_output=True, text=True, check=False, timeout=30)
        if mounted.returncode != 0:
            self.skipTest(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True, timeout=30)

    def make_room(self, path):
        subprocess.run(["mount", "-o", f"remount,size={LARGE}", path], check=True,
                       timeout=30)

    def post(self, stack, number):
        """The status and the text of the answer; (None, "") when the connection breaks."""
        alert = Episode(number, "free", "elsewhere", now_ms()).as_alert()
        alert["annotations"] = {"padding": f"{number:x}".ljust(PADDING_BYTES, "x")}
        connection = http.client.HTTPConnection(stack.address["one"], timeout=30)
        try:
            connection.request("POST", f"/webhook/{SOURCE}", notification([alert]),
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException):
            return None, ""
        finally:
            connection.close()

    def expect_rows_of(self, stack, kept):
        def listed():
            return sorted(row.transition.fingerprint for row in stack.rows(page_size=1000)[0])
        wait_for(sorted(f"{number:016x}" for number in kept), listed, 60, "alerts with rows")

    def post_until_refused(self, stack):
        """Numbers of the alerts that were taken, and the answer to the one that was not."""
        kept = set()
        for number in range(POSTS_MAX):
            status, text = self.post(stack, number)
            if status != 200:
                self.assertGreater(len(kept), 100)
                return kept, status, text
            kept.add(number)
        self.fail(f"{POSTS_MAX} alerts were taken")

    def test_of_ingest_service(self):
        # Nothing but alerts: it is one of them that finds the disk full, and its sender is told.
        stack = AlertStack(self, ingests=("one",))
        kept, status, text = self.fill(stack)
        self.assertEqual(503, status, text)
        self.assertIn("No space", text)
        self.check_end_and_return(stack, kept)

    def test_of_ingest_service_by_samples(self):
        stack = FaultStack(self, ingests=("one",))
        kept, status, text = self.fill(stack)
        # Samples may have been first to find no room: then the process had ended before the alert.
        if status is None:
            self.assertIn("the spool has failed", stack.log_of("one"))
        else:
            self.assertEqual(503, status, text)
        self.assertIn("No space", text or stack.log_of("one"))
        self.check_end_and_return(stack, kept)

    def fill(self, stack):
        self.mount(stack.directory / "one-spool")
        stack.start("one")
        return self.post_until_refused(stack)

    def check_end_and_return(self, stack, kept):
        # Not a word of success from here on, up to the end.
        for number in range(POSTS_MAX, POSTS_MAX + 20):
            self.assertNotEqual(200, self.post(stack, number)[0])
        self.assertEqual(1, stack.result_of("one"))
        self.make_room(stack.directory / "one-spool")
        stack.start("correlator", "one")
        # What was not acknowledged may be there all the same, but whole: nothing here was repeated.
        def waiting():
            return {row.transition.fingerprint for row in stack.rows(page_size=1000)[0]}
        wanted = {f"{number:016x}" for number in kept}
        wait_until(lambda: wanted <= waiting(), 60, f"{len(wanted)} alerts have their rows",
                   seen=lambda: f"without rows: {wanted - waiting()}")
        rows, _ = stack.rows(page_size=1000)
        self.assertEqual(len(rows), len({row.row_id for row in rows}))

    def test_of_correlator_service(self):
        stack = FaultStack(self, ingests=("one",))
        data = stack.directory / "data"
        self.mount(data)
        stack.start_all()
        kept = set()
        for number in range(POSTS_MAX):
            status, text = self.post(stack, number)
            self.assertEqual(200, status, text)  # ingest-service has a disk of its own
            kept.add(number)
            if stack.has_ended("correlator"):
                break
        self.assertEqual(1, stack.result_of("correlator"))
        self.make_room(data)
        stack.start("correlator")
        self.expect_rows_of(stack, kept)


if __name__ == "__main__":
    unittest.main()
