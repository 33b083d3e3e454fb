"""Joined rows as lines of a table."""
import datetime
import math
import unicodedata

# Numbers of alertjoin.v1: MatchState, AlertState, Operation, Cause.
MATCHED = 1
RESOLVED = 2
DELETE = 2
FINALIZED = 5

EPOCH = datetime.datetime(1970, 1, 1)

# Colours of a terminal.
BOLD, FAINT, RED, GREEN = 1, 2, 31, 32

# Heading, width, and whether the text stands at the right. QUERY takes what is left over.
COLUMNS = [
    ("TIME (UTC)", 12, False),
    ("STATE", 8, False),
    ("ALERT", 16, False),
    ("INSTANCE", 15, False),
    ("QUERY", 36, False),
    ("VALUE", 11, True),
    ("THRESHOLD", 11, True),
    ("AGE", 7, True),
    ("REV", 3, True),
    ("FINAL", 5, False),
    ("$value SENT", 11, True),
]
QUERY = [heading for heading, _, _ in COLUMNS].index("QUERY")
QUERY_WIDTH_MIN = 16
NO_VALUE = {2: "no series", 3: "no sample", 4: "too old", 5: "stale", 6: "unbound"}


def escape(text):
    """The text with everything a terminal may act upon, or not show, as an escape sequence."""
    return "".join(char if char.isprintable() and char != "\\" else _escape_char(char)
                   for char in text)


def _escape_char(char):
    return char.encode("unicode_escape").decode()


def width_of(text):
    """Cells of a terminal that the (escaped) text takes."""
    return sum(0 if unicodedata.combining(char)
               else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def fit(text, width, right=False):
    """The text in exactly `width` cells: cut with an ellipsis, or filled with spaces."""
    if width_of(text) > width:
        kept = ""
        for char in text:
            if width_of(kept + char) > width - 1:
                break
            kept += char
        text = kept + "…"
    spaces = " " * (width - width_of(text))
    return spaces + text if right else text + spaces


def format_number(value, width=11):
    """A value for people: six digits, or three where they would not fit; NaN and infinities as
    Prometheus writes them."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = f"{value:.6g}"
    return text if len(text) <= width else f"{value:.3g}"


def format_time(timestamp):
    """Time of day in UTC with milliseconds."""
    moment = EPOCH + datetime.timedelta(milliseconds=timestamp.ToMilliseconds())
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def format_query(row):
    """The query, and what tells its series from others of the same job and instance."""
    if not row.HasField("query"):
        return "-"
    labels = {name: value for name, value in row.match.series_labels.items()
              if name not in ("__name__", "job", "instance")}
    chosen = ",".join(f'{name}="{escape(value)}"' for name, value in sorted(labels.items()))
    return escape(row.query.name) + (f"{{{chosen}}}" if chosen else "")


def format_value(row):
    """The value at that moment, or why there is none."""
    if row.operation == DELETE:
        return "(removed)"
    if row.match.state != MATCHED:
        return NO_VALUE.get(row.match.state, "?")
    return format_number(row.match.value)


def format_threshold(row):
    if not row.query.HasField("threshold"):
        return "-"
    return f"{row.query.comparison_operator} {format_number(row.query.threshold, 8)}"


def format_age(row):
    """Age of the sample at the event time."""
    if not row.match.HasField("sample_age"):
        return "-"
    return f"{row.match.sample_age.ToMilliseconds() / 1000:.3f}s"


def cells(row):
    """One text for each column."""
    transition = row.transition
    return [
        format_time(transition.event_time),
        "RESOLVED" if transition.state == RESOLVED else "FIRING",
        escape(transition.alert_name) or "-",
        escape(transition.instance) or "-",
        format_query(row),
        format_value(row),
        format_threshold(row),
        format_age(row),
        str(row.revision),
        "yes" if row.final else "no",
        format_number(transition.reported_value) if transition.HasField("reported_value") else "-",
    ]


def shows_difference(row):
    """Whether the notification claimed something else than the alert's own expression gave."""
    own = row.query.comparison_operator or row.query.name == row.query.expression
    if not own or not row.transition.HasField("reported_value"):
        return False
    return row.match.state != MATCHED or row.match.value != row.transition.reported_value


class Table:
    """Lines of one width; colours only where asked for."""

    def __init__(self, total_width, colours=False):
        widths = [width for _, width, _ in COLUMNS]
        gaps = len(COLUMNS) - 1
        narrow = total_width < sum(widths) - widths[QUERY] + QUERY_WIDTH_MIN + 2 * gaps
        self._gap = " " if narrow else "  "
        spare = total_width - sum(widths) - len(self._gap) * gaps
        widths[QUERY] = max(QUERY_WIDTH_MIN, widths[QUERY] + spare)
        self._widths = widths
        self._colours = colours

    def heading(self):
        return self._line([heading for heading, _, _ in COLUMNS], BOLD)

    def line(self, row):
        resolved = row.transition.state == RESOLVED
        return self._line(cells(row), FAINT if row.cause == FINALIZED else
                          GREEN if resolved else RED)

    def _line(self, texts, colour):
        line = self._gap.join(fit(text, width, right) for text, width, (_, _, right)
                              in zip(texts, self._widths, COLUMNS)).rstrip()
        return f"\x1b[{colour}m{line}\x1b[0m" if self._colours else line
