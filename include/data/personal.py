"""Columns that `data.personal` hashes, before anything else sees them: no table, page or log has their values."""

from __future__ import annotations

import hashlib
import numbers
from typing import TYPE_CHECKING, Any

from include.config import environment
from include.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig

DIGEST_BYTES = 16
SHORTEST_KEY = 16


def hashed(config: ModelConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with a keyed BLAKE2b digest (RFC 7693), 32 hexadecimal digits, in place of each value to be hashed.

    One value has one digest, wherever it stands, so that it still names a row or a group. Without the key nobody can
    try values out; whoever has both the key and a list of values can. Raises PermanentError where there is no key.
    """
    import pandas as pd

    names = [
        name for name, how in config.data.personal.items() if how == "hash" and list(rows.columns).count(name) == 1
    ]
    if not names:
        return rows
    key = environment.hash_key().encode()
    if len(key) < SHORTEST_KEY:
        raise PermanentError(
            f"{config.name}: data.personal hashes {', '.join(names)}, but NIGHTSHIFT_HASH_KEY is "
            f"{'shorter than 16 characters' if key else 'not set'}; make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))', give it to every process that runs tasks, "
            "and keep it: with another key every row has another name"
        )
    made = {}
    for name in names:
        digests = {value: _digest(value, key) for value in rows[name].dropna().map(_text).unique()}
        made[name] = pd.Series(
            [
                digests[_text(value)] if there else None
                for value, there in zip(rows[name], rows[name].notna(), strict=True)
            ],
            index=rows.index,
            dtype="str",
        )
    return rows.assign(**made)


def _text(value: Any) -> str:
    """A value as text, the same from every source: 7, 7.0 and "7 " are one."""
    whole = value.is_integer() if isinstance(value, float) else isinstance(value, numbers.Integral)
    if whole and not isinstance(value, bool):
        return str(int(value))
    return str(value).strip()


def _digest(text: str, key: bytes) -> str:
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES, key=key[: hashlib.blake2b.MAX_KEY_SIZE]).hexdigest()
