"""The word that a person probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(word: str, allowed: Iterable[str]) -> str:
    """` (did you mean 'train_days'?)` where one of `allowed` is close, else nothing."""
    match = difflib.get_close_matches(word, list(allowed), n=1)
    return f" (did you mean {match[0]!r}?)" if match else ""
