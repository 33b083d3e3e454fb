"""The live page in a real browser, for tests: what it shows, by the ids of its rows."""
import json
import math
import pathlib
import queue
import shutil
import subprocess
import threading
import unittest

from support import BINARIES

WORKSPACE = BINARIES / "correlator-service" / "http" / "page" / "workspace"
DRIVER = WORKSPACE / "dist" / "tests" / "browser" / "driver.mjs"
ANSWER_SECONDS = 120
DIGITS = 1e-5  # the page shows six of them

# Rows in sight as [[id, {column: text}]]; the value that a revision replaced is `was`.
_ROWS = """
[...document.querySelectorAll('.row:not([hidden])')].map((row) => {
  const cells = {};
  for (const cell of row.children) {
    const name = [...cell.classList].find((one) => one.startsWith('c-')).slice(2);
    cells[name] = cell.querySelector('.text').textContent;
    if (name === 'value') cells.was = cell.querySelector('.note').textContent;
  }
  return [row.dataset.id, cells];
})
"""


class Page:
    """One page in Chromium. It ends with the test. Skips the test where page or browser is absent."""

    def __init__(self, test):
        node = shutil.which("node") or shutil.which("nodejs")
        if not node or not pathlib.Path(DRIVER).exists():
            raise unittest.SkipTest("the live page is not part of this build")
        self._process = subprocess.Popen([node, str(DRIVER)], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        test.addCleanup(self._stop)
        self._answers = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        begun = self._answer("its start")
        if "error" in begun:
            raise AssertionError(begun["error"])
        if "absent" in begun:
            raise unittest.SkipTest("there is no Chromium")

    def open(self, address, search=""):
        self._do(open=f"http://{address}/{search}")

    def reload(self):
        self._do(reload=True)

    def evaluate(self, script):
        return self._do(evaluate=script)

    def wait(self, script, seconds=30):
        """Waits for a true value of the script, and returns it."""
        return self._do(wait=script, seconds=seconds)

    def wait_for_phase(self, phase, seconds=30):
        """Waits for this state of the connection."""
        self.wait(f"document.querySelector('.connection')?.dataset.phase === '{phase}'", seconds)

    def rows(self):
        """What the table shows: {row id: {column: text}}."""
        rows = self.evaluate(_ROWS)
        found = dict(rows)
        if len(found) < len(rows):
            raise AssertionError(f"a row is shown twice: {rows}")
        return found

    def complaints(self):
        """Errors in the console, and requests to other places than the correlator."""
        return self._do(complaints=True)

    def _do(self, **command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = self._answer(command)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def _read(self):
        for line in self._process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put({"error": "the driver of the browser has ended"})

    def _answer(self, command):
        try:
            return self._answers.get(timeout=ANSWER_SECONDS)
        except queue.Empty:
            raise AssertionError(f"the browser says nothing to {command} for {ANSWER_SECONDS} s") \
                from None

    def _stop(self):
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process.stdout.close()


def shown_value(text):
    """The number that a cell shows, None for none."""
    if text in ("", "–"):
        return None
    return float(text.replace("−", "-").replace("+Inf", "inf"))


def same_value(shown, value):
    """Whether a cell that shows this number shows this value."""
    if value is None or shown is None:
        return value is shown
    return math.isnan(value) and math.isnan(shown) or math.isclose(shown, value, rel_tol=DIGITS)
