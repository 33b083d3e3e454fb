"""As-of join of binary columns by DuckDB, in memory, with 2 threads.

Prints: median seconds of five runs, number of matched transitions, sum of the ages of the matched
samples in ms, sum of their values.
"""

import pathlib
import statistics
import sys
import time

import duckdb
import numpy

RUNS = 5

JOIN = """
CREATE OR REPLACE TABLE joined AS
SELECT t.series, t.time AS event_time, s.time AS sample_time, s.value
FROM transitions t ASOF JOIN samples s ON t.series = s.series AND t.time >= s.time
"""


def main(folder):
    def column(name, dtype):
        return numpy.fromfile(pathlib.Path(folder) / name, dtype=dtype)

    samples = {"series": column("sample_series.u32", "u4"), "time": column("sample_time.i64", "i8"),
               "value": column("sample_value.f64", "f8")}
    transitions = {"series": column("transition_series.u32", "u4"),
                   "time": column("transition_time.i64", "i8")}
    database = duckdb.connect(":memory:", config={"threads": 2})
    database.execute("CREATE TABLE samples AS SELECT * FROM samples")
    database.execute("CREATE TABLE transitions AS SELECT DISTINCT * FROM transitions")
    seconds = []
    for _ in range(RUNS):
        start = time.monotonic()
        database.execute(JOIN)
        seconds.append(time.monotonic() - start)
    matched, ages, values = database.execute(
        "SELECT count(*), sum(event_time - sample_time), sum(value) FROM joined").fetchone()
    print(statistics.median(seconds), matched, ages, values)
    assert len(samples["time"]) and len(transitions["time"])


if __name__ == "__main__":
    main(sys.argv[1])
