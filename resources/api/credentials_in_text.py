"""Hides what looks like a credential in a text that others wrote, such as a log. Pure.

It knows shapes and no values, so it hides too much rather than too little.
"""

import re
from collections.abc import Callable

from dagster_airbyte_sync.resources.http.redaction import HIDDEN

_KEY = "PRIVATE" r" KEY(?: BLOCK)?-----"
_KEY_BEGINS, _KEY_ENDS = rf"-----BEGIN [A-Z0-9 ]*{_KEY}", rf"-----END [A-Z0-9 ]*{_KEY}"

# Words for what is secret, wherever in a name they are: `db_password`, `AccountKey`.
_SECRET = (
    r"(?:passw(?:or)?d|passphrase|passwd|pwd|secret|token|credentials?|signature|session[_-]?id"
    r"|(?:api|access|secret|private|account|shared|encryption|storage|auth)[_\- ]?key)"
)
# To what follows them: a quote that may be escaped, `=`, `:`, or `=>`.
_IS = r"""[\w.-]{0,30}(?:\\*["'])?[ \t]{0,3}(?:=>|[:=]|%3[AD])[ \t]{0,3}"""
# A value in quotes, up to the same quote, or one that ends where a list or sentence goes on.
_QUOTED = r"""(?P<quote>\\*["']).*?(?:(?<!\\)(?P=quote)|$)"""
_PLAIN = r"""[^\s,;&"'(){}\[\]<>]+"""

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, flags), shown)
    for pattern, flags, shown in (
        # A private key over several lines, also if only its beginning or its end is there.
        (rf"{_KEY_BEGINS}.*?(?:{_KEY_ENDS}|\Z)", re.DOTALL, HIDDEN),
        (rf"\A.*{_KEY_ENDS}", re.DOTALL, HIDDEN),
        # All of these to the end of the line: several words may be secret.
        (
            r"""((?:authorization|cookie|x-api-key)(?:\\*["'])?[ \t]{0,3}[:=][ \t]{0,3})[^\n]*""",
            re.IGNORECASE,
            rf"\1{HIDDEN}",
        ),
        (r"(\bbearer[ \t]+)[^\s\"',;]+", re.IGNORECASE, rf"\1{HIDDEN}"),
        (r"(\bbasic[ \t]+)(?=[A-Za-z+/]*[0-9=])[A-Za-z0-9+/]{6,}=*", re.IGNORECASE, rf"\1{HIDDEN}"),
        # User and password of an address; the password may hold an @ and a slash.
        (r"""(://)[^\s"'<>]*@""", 0, rf"\1{HIDDEN}@"),
        (rf"({_SECRET}{_IS})(?:{_QUOTED}|{_PLAIN})", re.IGNORECASE | re.MULTILINE, rf"\1{HIDDEN}"),
        (
            rf"((?<![\w-])--[\w-]{{0,30}}{_SECRET}[\w-]{{0,30}}[ \t]+)\S+",
            re.IGNORECASE,
            rf"\1{HIDDEN}",
        ),
        (rf"(<[\w:-]{{0,30}}{_SECRET}\w{{0,30}}>)[^<\n]*", re.IGNORECASE, rf"\1{HIDDEN}"),
        # Keys that well-known services give out: AWS, GitHub, GitLab, Slack, Google, Stripe, JWTs.
        (
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{20,}|github_pat_\w+|glpat-[\w-]{10,}"
            r"|xox[a-z]-[\w-]{8,}|AIza[\w-]{30,}|ya29\.[\w.-]+|(?:sk|rk|pk)[_-](?:live|test|proj)"
            r"[\w-]{8,}|eyJ[\w-]{8,}(?:\.[\w-]*){0,2})",
            0,
            HIDDEN,
        ),
        # And anything long that is as mixed as a random key.
        (
            r"(?<![\w+=-])(?=[\w+=-]*[0-9])(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])[\w+=-]{36,}",
            0,
            HIDDEN,
        ),
    )
)


def without_credentials(text: str) -> str:
    """The text with `***` in the place of each value that looks secret; lines stay lines."""
    for pattern, shown in _RULES:
        text = pattern.sub(_on_as_many_lines(shown), text)
    return text


def _on_as_many_lines(shown: str) -> Callable[[re.Match[str]], str]:
    """What is shown, once for each line that is hidden, so that no line moves."""
    return lambda match: "\n".join([match.expand(shown)] * (match[0].count("\n") + 1))
