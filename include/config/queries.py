"""What a `sql` source asks its database: that it is one statement that reads, and which of our names it binds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from include.config.sources import SqlSource

if TYPE_CHECKING:
    from include.config.schema import ModelConfig

FIRST_DAYS, LAST_DAYS = ("start",), ("end", "next_day")


def faults(config: ModelConfig) -> Iterator[str]:
    """A query that is asked for days must bind where they begin and end, or each night would read every day again."""
    data = config.data
    for where, source in (("data.source.query", data.source), ("data.labels.query", data.labels)):
        if not isinstance(source, SqlSource) or data.snapshot:
            continue
        if not (source.bound & set(FIRST_DAYS) and source.bound & set(LAST_DAYS)):
            column = data.in_source(data.time or data.day)
            found = ", ".join(f":{name}" for name in sorted(source.bound)) or "none"
            yield (
                f"{where}: rows have a day ({column}), so the query must bind the days asked for; it binds {found}. "
                f"Write: where {column} >= :start and {column} < :next_day"
            )


def hidden(text: str) -> str:
    """The text with the passwords of addresses in it left out: what is shown of a value that was received."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", text)
