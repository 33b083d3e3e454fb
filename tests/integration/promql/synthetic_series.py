"""Series that alerting expressions may find: for each selector some that it selects, some with values
on either side of the numbers that stand in the expression."""
import ast
import collections
import random
import re

KEYWORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "by", "without", "on",
            "ignoring", "group_left", "group_right", "start", "end"}
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
VARIANTS = 5  # series for each selector and set of labels
# Seconds: between samples, of all of them, and until each series begins to behave in another way.
STEP, SPAN, PHASE = 60, 4 * 3600, 3600
ABSENT = "absent"


def _unquote(text):
    return text[1:-1] if text[0] == "`" else ast.literal_eval(text)


def _value_for(operator, value, default):
    """A label value that the matcher accepts; None when none was found."""
    if operator == "=":
        return value
    if operator == "!=":
        return default if default != value else "other"
    accepts = re.compile(value)
    if operator == "!~":
        return next((v for v in (default, "other", "9", "") if not accepts.fullmatch(v)), None)
    alternatives = []
    for part in re.split(r"[|]", value.strip("^$").strip("()")):
        part = re.sub(r"\\[dw]|\[[^\]]*\]", "1", part)
        alternatives += [re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\.[*+?]?", filler, part).replace("+", ""))
                         for filler in ("0", "a", "")]
    return next((v for v in (*alternatives, default, "a", "1", "500") if accepts.fullmatch(v)),
                None)


def selectors_of(tokens):
    """The selectors of an expression, [(metric, [(label, operator, value)])], the labels that it
    groups by, and its numbers."""
    selectors, labels, numbers = [], set(), set()
    i = 0
    while i < len(tokens):
        kind, text = tokens[i]
        following = tokens[i + 1][1] if i + 1 < len(tokens) else ""
        if kind == "number" and re.fullmatch(r"[0-9.eE+-]+", text):
            numbers.add(float(text))
        if kind == "identifier" and text.lower() in GROUPING and following == "(":
            i += 2
            while tokens[i][1] != ")":
                labels.update([tokens[i][1]] if tokens[i][0] == "identifier" else [])
                i += 1
        elif (kind == "identifier" and text.lower() not in KEYWORDS and following != "("
              and following.lower() not in ("by", "without")) or text == "{":
            metric = "" if text == "{" else text
            matchers = []
            if following == "{" or text == "{":
                i += 1 if text == "{" else 2
                while tokens[i][1] != "}":
                    if tokens[i][1] != ",":
                        matchers.append((tokens[i][1], tokens[i + 1][1],
                                         _unquote(tokens[i + 2][1])))
                        i += 2
                    i += 1
            selectors.append((metric, matchers))
        i += 1
    return selectors, labels, numbers


class SyntheticSeries:
    """Collects what the expressions need; then writes it as OpenMetrics."""

    def __init__(self):
        self._selections = collections.defaultdict(set)  # by metric: sets of matchers
        self._labels = collections.defaultdict(lambda: {"instance", "job"})
        self._numbers = collections.defaultdict(lambda: {0.0, 1.0, 100.0})

    def add(self, tokens):
        selectors, labels, numbers = selectors_of(tokens)
        absent = tokens and tokens[0][1].startswith(ABSENT)
        for metric, matchers in selectors:
            for label, operator, value in matchers:
                if label == "__name__":
                    metric = _value_for(operator, value, "metric") or metric
            if absent or not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", metric):
                continue
            matchers = [matcher for matcher in matchers if matcher[0] != "__name__"]
            self._selections[metric].add(tuple(matchers))
            self._labels[metric] |= (labels | {label for label, _, _ in matchers}) - {"__name__"}
            self._numbers[metric] |= numbers

    def _label_sets(self, metric):
        found = {}
        for matchers in sorted(self._selections[metric]):
            for variant in range(VARIANTS):
                labels = {label: f"v{variant}" for label in self._labels[metric] if label != "le"}
                for label, operator, value in matchers:
                    chosen = _value_for(operator, value, labels.get(label, "v0"))
                    if chosen is not None:
                        labels[label] = chosen
                les = ["0.1", "1", "+Inf"] if metric.endswith("_bucket") else [labels.get("le")]
                for le in les:
                    full = {**labels, **({"le": le} if le else {})}
                    key = tuple(sorted((name, v) for name, v in full.items() if v != ""))
                    found[key] = variant
        return found

    def write(self, path, end):
        """Samples up to `end`, in seconds. Returns how many series there are."""
        series = 0
        with open(path, "w", encoding="utf-8") as out:
            for metric in sorted(self._selections):
                for labels, variant in self._label_sets(metric).items():
                    series += 1
                    shown = ",".join(f"{name}={_quoted(value)}" for name, value in labels)
                    for time, value in self._samples(metric, labels, variant, end):
                        out.write(f"{metric}{{{shown}}} {value!r} {time}\n")
            out.write("# EOF\n")
        return series

    def _samples(self, metric, labels, variant, end):
        chance = random.Random(f"{metric}{labels}")
        counter = re.search("_(total|count|sum|bucket)$", metric)
        total = 0.0
        for step in range(SPAN // STEP + 1):
            time = end - SPAN + step * STEP
            if step % (PHASE // STEP) == 1 or step == 0:
                level, slope = self._phase(metric, chance, time)
                total += level if counter and step == 0 else 0.0
            jitter = chance.choice([0.0, 1.0]) if variant == 3 else 0.0
            total += abs(slope) * STEP
            yield time, total if counter else float(level + slope * (time % PHASE) + jitter)

    def _phase(self, metric, chance, time):
        """What a series does for a while: its level, and how fast that changes."""
        number = chance.choice(sorted(self._numbers[metric]))
        level = chance.choice([number, number * 0.5, number * 1.5 + 1, -number, number + 0.001, 0.0])
        if re.search("time(stamp)?_seconds|timestamp|not_after|expir|_created", metric):
            level = time + chance.choice([-1e7, -1e5, -100.0, 1e3, 1e6, 1e8])
        slope = chance.choice([0.0, level / 300, level, level / 9e3, 0.1, -0.1])
        return level, slope


def _quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
