"""The engine's rows, one by one, against DuckDB's ASOF JOIN of the same data.

usage: asof_test.py JOIN_COLUMNS, the program that joins and writes the columns.
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb
import numpy

TYPES = {".u32": "u4", ".i64": "i8", ".f64": "f8"}

# Rows that only one side has: nothing, when both are right.
DIFFERENCES = """
WITH expected AS (
  SELECT t.series, t.time AS event_time, coalesce(s.time, -1) AS sample_time,
         coalesce(s.value, 0) AS value
  FROM (SELECT DISTINCT * FROM transitions) t
  ASOF LEFT JOIN samples s ON t.series = s.series AND t.time >= s.time
)
SELECT 'only in the engine' AS side, * FROM (SELECT * FROM joined EXCEPT ALL SELECT * FROM expected)
UNION ALL
SELECT 'only in DuckDB', * FROM (SELECT * FROM expected EXCEPT ALL SELECT * FROM joined)
"""


def main(join_columns):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([join_columns, folder], check=True)
        columns = {path.stem: numpy.fromfile(path, dtype=TYPES[path.suffix])
                   for path in pathlib.Path(folder).iterdir()}
    samples = {"series": columns["sample_series"], "time": columns["sample_time"],
               "value": columns["sample_value"]}
    transitions = {"series": columns["transition_series"], "time": columns["transition_time"]}
    joined = {"series": columns["row_series"], "event_time": columns["row_event_time"],
              "sample_time": columns["row_sample_time"], "value": columns["row_value"]}
    assert len(samples["time"]) == 1_000_000 and len(transitions["time"]) == 100_000
    database = duckdb.connect(":memory:")
    differences = database.execute(DIFFERENCES).fetchall()
    matched = int((joined["sample_time"] >= 0).sum())
    print(f"{len(samples['time'])} samples, {len(transitions['time'])} transitions, "
          f"{len(joined['value'])} rows, {matched} matched, {len(differences)} differences")
    for difference in differences[:10]:
        print(difference)
    assert matched > 90_000, "hardly anything was matched"
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
