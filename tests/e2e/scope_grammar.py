"""The grammar of a scope of Sysdig, and labels that try to break out of it."""
import re

HOSTILE = ["plain", 'a "quoted" word', "it's", "both ' and \"", "back\\slash", "ends with \\",
           "two\nlines", "tab\tbed", 'x" or host.hostName = "y', "' and a = '", "\\\" and b = \\\"",
           "\x01\x7f\x85", "\N{SNOWMAN} \N{GRINNING FACE}", "{{ $value }} %s ${x}", "<script>",
           "\r\n"]


def parse_scope(text):
    """A scope by its grammar: NAME = STRING, joined by `and`. Fails on anything else."""
    string = r'"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\["\\nrt])*"' \
             r"|'(?:[^'\\\x00-\x1f\x7f-\x9f]|\\['\\nrt])*'"
    condition = re.compile(rf"([A-Za-z_][A-Za-z0-9_.]*) = ({string})( and |\Z)")
    found, at, more = {}, 0, bool(text)
    while more:
        match = condition.match(text, at)
        if match is None:
            raise AssertionError(f"no scope at {at}: {text}")
        unescaped = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]),
                           match[2][1:-1])
        found[match[1]] = unescaped
        at, more = match.end(), match[3] != ""
    if at != len(text):
        raise AssertionError(f"something behind the scope: {text}")
    return found


def printable(value):
    """What a scope can keep of a value."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "\N{REPLACEMENT CHARACTER}", value)
