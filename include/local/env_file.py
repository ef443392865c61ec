"""`.env` for docker-compose.yaml: `.env.example` with fresh secrets where it asks for them. `make env` runs it.

Of Python alone, since the machine that runs the containers needs no environment of ours.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

MADE = {
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(32),
    "AIRFLOW_JWT_SECRET": lambda: secrets.token_urlsafe(64),
    "AIRFLOW_SESSION_SECRET": lambda: secrets.token_urlsafe(64),
    "AIRFLOW_FERNET_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "NIGHTSHIFT_HASH_KEY": lambda: secrets.token_urlsafe(48),
}
"""Secrets, and how each is made: all of letters, digits, - and _, which need no quoting in an address (and = at the
end of Airflow's key)."""


def filled(example: str, values: Mapping[str, str]) -> str:
    """The example's text with `values`, and a fresh secret for each that is asked for and has none."""
    lines = []
    for line in example.splitlines():
        name, is_setting, default = line.partition("=")
        if is_setting and not line.startswith("#"):
            value = values.get(name) or default or (MADE[name]() if name in MADE else "")
            line = f"{name}={value}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def main(folder: Path, values: Mapping[str, str]) -> None:
    """Write `.env`, readable by its owner alone. One that is there stays: its secrets are in the databases."""
    target = folder / ".env"
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.exit(f"{target} is there already and stays as it is; its secrets are in the databases' volumes")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(filled((folder / ".env.example").read_text(encoding="utf-8"), values))


if __name__ == "__main__":
    main(Path.cwd(), dict(pair.split("=", 1) for pair in sys.argv[1:]))
