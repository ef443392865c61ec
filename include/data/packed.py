"""The bytes of one file, unpacked: gzip, bzip2, xz, Zstandard, and archives (zip, tar) of one file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from typing import cast

from include.config.sources import WORKBOOKS
from include.errors import PermanentError

SINGLE = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
BY_CONTENT = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}
WORKBOOK = "a workbook; save its sheet as CSV (UTF-8), and name that file"


def read_bytes(path: str) -> bytes:
    """What a path or an address that fsspec knows holds, unpacked as its ending says.

    Raises PermanentError for a workbook and an archive of several files or of none, OSError, EOFError, zlib.error or
    lzma.LZMAError where the storage fails or the content is not what the ending says.
    """
    import fsspec

    with fsspec.open(path, "rb") as file:
        content = cast("bytes", file.read())
    name = path.lower()
    if name.endswith(WORKBOOKS) or (content.startswith(b"PK") and _is_workbook(content)):
        raise PermanentError(f"{path}: is {WORKBOOK}")
    if name.endswith((".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")):
        return _of_archive(path, _tar_members(content))
    if name.endswith(".zip"):
        return _of_archive(path, _zip_members(content))
    return _unpack(content, next((ending for ending in (*SINGLE, ".zst") if name.endswith(ending)), ""))


def packed_as(content: bytes) -> str | None:
    """The ending that says how a content is packed, by its first bytes; None for one that is not."""
    if content.startswith(b"PK\x03\x04"):
        return ".zip"
    return next((ending for start, ending in BY_CONTENT.items() if content.startswith(start)), None)


def _unpack(content: bytes, ending: str) -> bytes:
    if ending == ".zst":
        import pyarrow as pa

        with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
            return cast("bytes", stream.read())
    return SINGLE[ending](content) if ending else content


def _zip_members(content: bytes) -> dict[str, Callable[[], bytes]]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: partial(archive.read, name) for name in archive.namelist() if not name.endswith("/")}


def _tar_members(content: bytes) -> dict[str, Callable[[], bytes]]:
    archive = tarfile.open(fileobj=io.BytesIO(content))  # noqa: SIM115 - members are read from it later
    files = [member for member in archive.getmembers() if member.isfile()]
    return {member.name: partial(_member, archive, member) for member in files}


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


def _of_archive(path: str, members: dict[str, Callable[[], bytes]]) -> bytes:
    """The one file of an archive, but for what macOS adds to it."""
    named = {name: read for name, read in members.items() if "__MACOSX" not in name and "/._" not in f"/{name}"}
    if len(named) != 1:
        held = ", ".join(sorted(named)[:5]) or "none"
        raise PermanentError(f"{path}: an archive of one file is read; this one has {len(named)} ({held}). Unpack it")
    name, read = next(iter(named.items()))
    if name.lower().endswith(WORKBOOKS):
        raise PermanentError(f"{path}: {name} is {WORKBOOK}")
    return read()


def _is_workbook(content: bytes) -> bool:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except zipfile.BadZipFile:
        return False
    return "[Content_Types].xml" in names or "mimetype" in names
