"""Ports are chosen before anybody listens there: nobody else may choose them meanwhile."""
import random
import subprocess
import sys
import unittest

from support import demo_stack

CHOOSE = """
import random, sys
from unittest import mock
sys.path.insert(0, sys.argv[1])
import stack
with mock.patch.object(random, "randrange", side_effect=map(int, sys.argv[2:])):
    print(stack.choose_ports({"a": 0})["a"])
"""


class PortsTest(unittest.TestCase):
    def test_what_one_process_has_chosen_no_other_chooses(self):
        first, second = demo_stack.choose_ports({"a": 0, "b": 0}).values()
        self.assertNotEqual(first, second)
        # Nobody listens on the first two, and this process may do so at any time.
        done = subprocess.run(
            [sys.executable, "-B", "-c", CHOOSE, demo_stack.HERE, *map(str, (first, second)),
             *map(str, random.sample(range(20000, 32000), 100))],
            capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn(int(done.stdout), (first, second))

    def test_one_that_is_wanted_is_taken_when_it_is_free(self):
        port = demo_stack.choose_ports({"a": 0})["a"]
        self.assertEqual({"a": port}, demo_stack.choose_ports({"a": port}))


if __name__ == "__main__":
    unittest.main()
