"""What no message to a person holds: types of libraries, tracebacks, files that are gone by the time it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable

MACHINE = re.compile(
    r"np\.\w+\(|numpy\.|Timestamp\(|Timedelta\(|datetime\.\w+\(|Decimal\(|UUID\(|dtype|<class|<NA>|\bNaT\b|object at 0x"
    r"|Traceback|\.[a-z0-9_]+\.\d+/"
)


def machine_words(messages: Iterable[str]) -> list[str]:
    """The messages that hold such a word."""
    return [message for message in messages if MACHINE.search(message)]
