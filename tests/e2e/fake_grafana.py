"""A Grafana of made-up Prometheus data sources, some of them ill.

Answers /api/datasources, /api/frontend/settings and, through /api/datasources/proxy/uid/<uid>, what
fake_prometheus answers, and the daily maximum of one series; or what a real Prometheus answers. What
it does is read from a file for each request, so that a test can change it at any time: {"token": ...,
"list": status, "settings": status, "sources": {name: kind}, "real": address}.
Run: fake_grafana.py --port 3000 --state FILE
"""
import argparse
import http.client
import json
import math
import pathlib
import time
import urllib.parse
import zlib

import fake_prometheus

# What becomes of requests to a data source. The name of the kind is also its uid's first part.
KINDS = {
    "well": "as fake_prometheus",
    "nan": "as fake_prometheus, but every value is NaN",
    "forbidden": "403",
    "dead": "502, as when Grafana cannot connect",
    "slow": "no answer for longer than anybody waits",
    "real": "handed on to a real Prometheus",
}
SLOW_SECONDS = 60
DAILY_MAXIMUM = "max_over_time(load[1d])"
DAY_MS = 86_400_000


def uid_of(name, kind):
    return f"{kind}-{name.replace(' ', '_')}"


def daily_maximum(uid, time_ms):
    """The maximum of the day that ends then: less on weekends. Of the kind "nan" every seventh is
    NaN."""
    day = time_ms // DAY_MS - 1
    if uid.startswith("nan-") and day % 7 == 0:
        return math.nan
    usual = 40 + zlib.crc32(uid.encode()) % 100
    weekend = (day + 3) % 7 >= 5  # The first day of 1970 was a Thursday.
    return usual * (0.25 if weekend else 1) + zlib.crc32(f"{uid} {day}".encode()) % 160 / 8


class Handler(fake_prometheus.Handler):
    state_file = None

    def _respond(self, path, form):
        state = json.loads(self.state_file.read_text(encoding="utf-8"))
        if path == "/-/ready":
            return self._send(200, {})
        if self.headers.get("Authorization") != f"Bearer {state['token']}":
            return self._send(401, {"message": "Invalid API key"})
        if path == "/api/datasources":
            return self._send_list(state)
        if path == "/api/frontend/settings":
            return self._send_settings(state)
        prefix = "/api/datasources/proxy/uid/"
        if not path.startswith(prefix):
            return self._send(404, {"message": "Not found"})
        uid, _, rest = path.removeprefix(prefix).partition("/")
        if uid not in {uid_of(*source) for source in state["sources"].items()}:
            return self._send(404, {"message": "Unable to find datasource"})
        if uid.startswith("real-"):
            return self._hand_on(state["real"], "/" + rest, form)
        return self._proxy(uid, "/" + rest, form)

    def _send_list(self, state):
        if state["list"] != 200:
            return self._send(state["list"], {"message": "Permission denied"})
        sources = [{"uid": uid_of(name, kind), "name": name, "type": "prometheus",
                    "access": "proxy", "url": f"http://{uid_of(name, kind)}.internal:9090"}
                   for name, kind in state["sources"].items()]
        return self._send(200, [*sources, {"uid": "l", "name": "logs", "type": "loki"}])

    def _send_settings(self, state):
        if state["settings"] != 200:
            return self._send(state["settings"], {"message": "Permission denied"})
        return self._send(200, {"datasources": {
            name: {"uid": uid_of(name, kind), "type": "prometheus", "access": "proxy"}
            for name, kind in state["sources"].items()}})

    def _proxy(self, uid, path, form):
        kind = uid.partition("-")[0]
        if kind == "forbidden":
            return self._send(403, {"message": "Permission denied"})
        if kind == "dead":
            return self._send(502, {"message": "Bad gateway"})
        if kind == "slow":
            time.sleep(SLOW_SECONDS)
        if path == "/api/v1/query_range":
            return self._send_daily(uid, dict(urllib.parse.parse_qsl(form)))
        if kind == "nan" and path == "/api/v1/query":
            return self._send_nan(dict(urllib.parse.parse_qsl(form)))
        return super()._respond(path, form)

    def _hand_on(self, address, path, form):
        connection = http.client.HTTPConnection(address, timeout=10)
        try:
            if self.command == "POST":
                connection.request("POST", path, form,
                                   {"Content-Type": "application/x-www-form-urlencoded"})
            else:
                connection.request("GET", f"{path}?{form}")
            answer = connection.getresponse()
            self._send(answer.status, json.load(answer))
        finally:
            connection.close()

    def _send_daily(self, uid, parameters):
        if parameters["query"] != DAILY_MAXIMUM or parameters["step"] not in ("1d", "86400"):
            return self._refuse(400, "bad_data", str(parameters))
        start_ms, end_ms = (fake_prometheus.parse_time_ms(parameters[name])
                            for name in ("start", "end"))
        values = [[time_ms / 1000, str(daily_maximum(uid, time_ms)).replace("nan", "NaN")]
                  for time_ms in range(start_ms, end_ms + 1, DAY_MS)]
        return self._send(200, {"status": "success", "data": {
            "resultType": "matrix", "result": [{"metric": {"instance": "i0"}, "values": values}]}})

    def _send_nan(self, parameters):
        kind, result = fake_prometheus.answer(
            parameters["query"], fake_prometheus.parse_time_ms(parameters["time"]))
        for series in result:
            for point in series.get("values", [series.get("value")]):
                point[1] = "NaN"
        return self._send(200, {"status": "success",
                                "data": {"resultType": kind, "result": result}})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    Handler.state_file = arguments.state
    fake_prometheus.Server(("127.0.0.1", arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
