"""Sends requests until they are taken or refused for good."""
from __future__ import annotations

import dataclasses
import email.utils
import http.client
import os
import random
import ssl
import time
import urllib.parse
from typing import Callable, Mapping

from alertjoin.errors import AlertjoinError
from alertjoin.forward.metrics import Metrics
from alertjoin.forward.request import Request

RETRY_AFTER_MOST_SECONDS = 3600.0
ANSWER_MOST_BYTES = 64 * 1024
SECRET_MOST_BYTES = 64 * 1024
# These say nothing against the event: the target is busy, the login has to be renewed (the secret
# is read again before every attempt), or the address is an old one.
_RETRIED = {401, 407, 408, 425, 429}
TOKEN_VARIABLE = "ALERTJOIN_FORWARD_TOKEN"

Log = Callable[..., None]


@dataclasses.dataclass(frozen=True)
class Answer:
    """status: None when there was no answer, and `reason` says why."""
    status: int | None
    body: bytes = b""
    reason: str = ""
    retry_after: float = 0.0

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def retried(self) -> bool:
        return self.status is None or self.status < 200 or 300 <= self.status < 400 \
            or self.status in _RETRIED or self.status >= 500


class Secret:
    """A token from a file, which is read again for each use, or from the environment. It never
    shows itself."""

    def __init__(self, path: str = "", variable: str = TOKEN_VARIABLE):
        self._path = path
        self._variable = variable

    def read(self) -> str:
        """"" for none. Raises OSError or ValueError when there ought to be one."""
        if not self._path:
            return os.environ.get(self._variable, "").strip()
        with open(self._path, "rb") as file:
            text = file.read(SECRET_MOST_BYTES).decode("ascii").strip()
        if not text or not text.isprintable():
            raise ValueError("empty, or more than one line")
        return text

    def __repr__(self) -> str:
        return "Secret(...)"


def retry_after(text: str | None, now: float) -> float:
    """Seconds to wait, from the header: a number of seconds, or a date."""
    if not text:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - now
        except ValueError:
            return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_MOST_SECONDS) if seconds == seconds else 0.0


class Sender:
    """Sends to one target, over one connection that is kept. For one thread."""

    def __init__(self, url: str, secret: Secret, log: Log, metrics: Metrics, *,
                 headers: Mapping[str, str] | None = None, timeout: float = 10.0,
                 retry_first: float = 1.0, retry_most: float = 60.0,
                 sleep: Callable[[float], None] = time.sleep, rng: random.Random | None = None):
        """timeout: of the connection and of each wait for bytes. retry_first, retry_most: pauses
        between attempts, which double from the first to the longest."""
        self._url = parse_url(url)
        self._secret = secret
        self._log = log
        self._metrics = metrics
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._retry_first = retry_first
        self._retry_most = retry_most
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._connection: http.client.HTTPConnection | None = None

    @property
    def place(self) -> str:
        """The target without what may be secret: paths and queries of webhooks often are."""
        return f"{self._url.scheme}://{self._url.netloc}"

    def send(self, request: Request) -> Answer:
        """Returns once the target took it, or refused it in a way that no repetition can heal."""
        attempts = 0
        while True:
            answer = self.attempt(request)
            if answer.taken or not answer.retried:
                return answer
            pause = self._pause(attempts, answer)
            attempts += 1
            self._metrics.add("retries", reason=str(answer.status or "none"))
            self._log("warning", "not taken, is tried again", target=self.place,
                      status=answer.status, reason=answer.reason, attempts=attempts,
                      pause_seconds=round(pause, 3))
            self._sleep(pause)

    def _pause(self, attempts: int, answer: Answer) -> float:
        longest = min(self._retry_most, self._retry_first * 2 ** min(attempts, 30))
        # Never before the time that the target named; after it, not all at once.
        return answer.retry_after + longest * self._rng.uniform(0.5, 1)

    def attempt(self, request: Request) -> Answer:
        body = request.encoded()
        try:
            headers = {"Content-Type": request.content_type, "User-Agent": "alertjoin-forward",
                       **self._headers}
            token = self._secret.read()
        except (OSError, ValueError) as error:
            # Its text may quote the file.
            return Answer(None, reason=f"the token file cannot be read: {type(error).__name__}")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            return self._exchange(request.method, self._path(request), body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(None, reason=f"{type(error).__name__}: {error}")

    def _path(self, request: Request) -> str:
        path = self._url.path.rstrip("/") + request.path if request.path else self._url.path or "/"
        return f"{path}?{self._url.query}" if self._url.query else path

    def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        said = response.read(ANSWER_MOST_BYTES)
        wait = retry_after(response.headers.get("Retry-After"), time.time())
        if response.will_close or not response.isclosed():  # An answer that was too long to read.
            self.close()
        return Answer(response.status, said, response.reason, wait)

    def _connect(self) -> http.client.HTTPConnection:
        host = self._url.hostname or ""
        if self._url.scheme == "https":
            return http.client.HTTPSConnection(host, self._url.port, timeout=self._timeout,
                                               context=ssl.create_default_context())
        return http.client.HTTPConnection(host, self._url.port, timeout=self._timeout)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def parse_url(url: str) -> urllib.parse.SplitResult:
    # No request could have them; and what urlsplit() itself would leave out is not what was meant.
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("url: a space, a control character, or one that is not ASCII: write it as "
                         "%.. or, in the host's name, as xn--")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("url: expected http://... or https://...")
    if parts.username or parts.password:
        raise ValueError("url: has a login in it; put a token into token_file instead")
    try:
        parts.port
    except ValueError:
        raise ValueError("url: the port is none") from None
    return parts


def refused(answer: Answer) -> AlertjoinError:
    """What became of an event that the target will never take."""
    said = answer.body[:1024].decode("utf-8", "replace")
    return AlertjoinError("INVALID_ARGUMENT",
                          f"refused with {answer.status} {answer.reason}: {said}",
                          "REFUSED_BY_TARGET")
