"""An SQL statement as text: what stands in quotes and comments is told from what is executed. Standard library alone.

It is a check against mistakes, not a parser: databases differ. What it lets through runs in a transaction that is never
committed, and that may only read where the database can promise it.
"""

from __future__ import annotations

import re

QUOTED = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$", re.DOTALL
)
"""Comments, text, and quoted names; the dollar quotes are PostgreSQL's."""
BOUND = re.compile(r"(?<![:\w\\]):([A-Za-z_]\w*)(?!:)")
CHANGES = ("insert", "update", "delete", "merge", "into", "drop", "alter", "create", "truncate", "grant", "revoke")
"""Words that do not stand in a statement that only reads, unless in quotes. `for update` locks the rows of others."""


def bound_names(query: str) -> frozenset[str]:
    """Names of the query's bound parameters, `:name`; a cast (`::date`) and what stands in quotes are none."""
    return frozenset(BOUND.findall(_bare(query)))


def statement_fault(query: str) -> str | None:
    """Why this is not one statement that reads; None where it is."""
    bare = _bare(query).strip().removesuffix(";").rstrip()
    words = re.findall(r"\w+", bare.lower())
    if not words or words[0] not in ("select", "with"):
        return f"a query is one SELECT (or WITH ... SELECT); this one starts with {words[0] if words else 'nothing'!r}"
    if ";" in bare:
        return "a query is one statement; this one has another after its semicolon"
    changing = next((word for word in words if word in CHANGES), None)
    if changing:
        return f"a query only reads, and {changing!r} does not; put a column of that name in double quotes"
    return None


def with_escaped_quotes(query: str) -> str:
    """The query for SQLAlchemy's `text`, which would take `:name` within quotes for a parameter too."""
    return QUOTED.sub(lambda match: re.sub(r"(?<!\\):(?=\w)", r"\\:", match.group()), query)


def _bare(query: str) -> str:
    return QUOTED.sub(" '' ", query)
