"""What Prometheus itself says about a joined row."""
import http.client
import json
import struct
import urllib.parse

SAMPLE = 1  # TimeKind
MATCHED, NO_SERIES, NO_SAMPLE, TOO_OLD, STALE = 1, 2, 3, 4, 5  # MatchState


def bits(value):
    return struct.pack(">d", value)


def frozen(labels):
    return frozenset(labels.items())


class PrometheusTruth:
    """Asks one Prometheus, remembering its answers about the past."""

    def __init__(self, address):
        self._address = address
        self._answers = {}

    def query(self, expression, time_ms):
        """The result of an instant query: [(labels, [(time in ms, value), ...]), ...]."""
        key = (expression, time_ms)
        if key not in self._answers:
            self._answers[key] = self._ask(expression, time_ms)
        return self._answers[key]

    def _ask(self, expression, time_ms):
        connection = http.client.HTTPConnection(self._address, timeout=10)
        try:
            seconds = f"{time_ms // 1000}.{time_ms % 1000:03d}"
            connection.request(
                "POST", "/api/v1/query",
                urllib.parse.urlencode({"query": expression, "time": seconds}),
                {"Content-Type": "application/x-www-form-urlencoded"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if answer["status"] != "success" or answer.get("warnings"):
            raise AssertionError(f"Prometheus on {expression} at {seconds}: {answer}")
        return [(series["metric"], [(round(float(time) * 1000), float(value))
                                    for time, value in series.get("values", [series.get("value")])])
                for series in answer["data"]["result"]]

    def alive(self, expression, time_ms):
        """The series that have a value at that time, stale ones excluded, with that value."""
        return {frozen(labels): values[0][1] for labels, values in self.query(expression, time_ms)}

    def newest_raw(self, selector, time_ms):
        """Time and value of the newest raw sample at or before that time of each series."""
        return {frozen(labels): values[-1]
                for labels, values in self.query(f"{selector}[5m]", time_ms)}

    def scrape_failed(self, time_ms):
        """Whether one did just before that time, so that series may have had no value."""
        return bool(self.alive("min_over_time(up[10s]) == 0", time_ms))

    def find_fault(self, row, belongs):
        """Why the row is not what Prometheus says, or None. belongs(labels): whether a series
        with these labels belongs to the row's alert."""
        time_ms = row.transition.event_time.ToMilliseconds()
        expression, state = row.query.expression, row.match.state
        alive = self.alive(expression, time_ms)
        labels = frozen(row.match.series_labels)
        if state == NO_SERIES:
            there = [dict(series) for series in alive if belongs(dict(series))]
            return f"NO_SERIES, but Prometheus has {there}" if there else None
        if not belongs(dict(labels)):
            return "its series does not belong to the alert"
        if state in (STALE, NO_SAMPLE, TOO_OLD):
            return f"Prometheus has the value {alive[labels]!r}" if labels in alive else None
        if state != MATCHED:
            return f"unexpected match state {state}"
        if labels not in alive:
            return "Prometheus has no such series at that time"
        if row.query.time_kind == SAMPLE:
            want_time_ms, want = self.newest_raw(expression, time_ms)[labels]
        else:
            want_time_ms, want = time_ms, alive[labels]
        got_time_ms, got = row.match.sample_time.ToMilliseconds(), row.match.value
        if (got_time_ms, bits(got)) != (want_time_ms, bits(want)):
            return f"{got!r} at {got_time_ms}, Prometheus has {want!r} at {want_time_ms}"
        if row.match.sample_age.ToMilliseconds() != time_ms - got_time_ms:
            return f"sample age {row.match.sample_age.ToMilliseconds()} ms"
        return None
