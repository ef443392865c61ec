"""Tables and state that are gone afterwards, for what must leave nothing behind."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from include.config import environment


@contextmanager
def scratch() -> Iterator[None]:
    """Tables of this process alone, and a key for hashes where it has none: all is gone afterwards."""
    named = ("NIGHTSHIFT_TABLES", "NIGHTSHIFT_STATE")
    before = {name: os.environ.get(name) for name in (*named, "NIGHTSHIFT_HASH_KEY")}
    with tempfile.TemporaryDirectory(prefix="nightshift-try-") as folder:
        os.environ.update(dict.fromkeys(named, folder))
        os.environ["NIGHTSHIFT_HASH_KEY"] = environment.hash_key() or secrets.token_hex(32)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
