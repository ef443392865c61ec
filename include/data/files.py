"""Rows from files: one, a glob's, or one a day; local, or wherever fsspec reaches."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from include.config import environment
from include.data.columns import stacked_frames
from include.data.packed import read_bytes
from include.data.partitions import files_below, of_days, with_values
from include.data.typed_files import read_typed
from include.errors import PermanentError, TransientError

if TYPE_CHECKING:
    import pandas as pd
    from fsspec import AbstractFileSystem

    from include.config.schema import FilesSource, ModelConfig

DAY = "{day}"
BROKEN = (ValueError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError)
"""What readers raise on a file that is of another kind than its name says."""


def read(config: ModelConfig, which: str, source: FilesSource, start: date, end: date) -> pd.DataFrame:
    """Rows of the files of the days from `start` to `end`, both included, or of all files, where none is of a day.

    A day without a file has no rows.

    Raises PermanentError where no file is there at all or one cannot be read, TransientError where the storage fails.
    """
    import pandas as pd

    days = _by_day(source, start, end) if DAY in source.path else [_listed(config, which, source, start, end)]
    frames = {path: _load(config, which, source, path) for paths in days for path in paths}
    if not frames:
        return pd.DataFrame(columns=list(config.data.columns))
    alike = dict(zip(frames, _alike(config, source, frames), strict=True))
    return stacked_frames([_numbered(source, [alike[path] for path in paths]) for paths in days])


def _numbered(source: FilesSource, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of one day's files, or of all, with their number among them where that names a row."""
    rows = stacked_frames(frames)
    return rows.assign(**{source.row_number: range(1, len(rows) + 1)}) if source.row_number else rows


def _alike(config: ModelConfig, source: FilesSource, frames: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """The files' rows, where one file lacks a declared column that another has: a fault of its rows, and no gap.

    Objects of JSON may leave out what they have no value for, and any file a column that is optional.
    """
    if source.file_format in ("json", "jsonl"):
        return list(frames.values())
    import pandas as pd

    from include.data.values import Unreadable

    there = {name for frame in frames.values() for name in frame.columns} & set(config.data.columns)
    there -= set(config.data.optional)
    alike = []
    for path, frame in frames.items():
        lacks = sorted(there - set(frame.columns)) if len(frame) else []
        word = Unreadable(f"the file {path.rpartition('/')[2]} has no such column")
        alike.append(frame.assign(**{name: pd.Series([word] * len(frame), dtype=object) for name in lacks}))
    return alike


def _by_day(source: FilesSource, start: date, end: date) -> list[list[str]]:
    """The files of each day that has any."""
    days = [start + timedelta(days=step) for step in range((end - start).days + 1)]
    named = [absolute(source.path.replace(DAY, day.isoformat())) for day in days]
    return [found for path in named if (found := matching(path, source.file_format))]


def _listed(config: ModelConfig, which: str, source: FilesSource, start: date, end: date) -> list[str]:
    found = matching(absolute(source.path), source.file_format)
    if not found:
        raise PermanentError(
            f"include/models/{config.name}.yaml: data.{which}.path: no file matches {source.path!r} "
            f"(looked at {absolute(source.path)}). Put the files there, or change the path"
        )
    # Numbers of rows count all files.
    inside = found if source.row_number else of_days(found, config.data.day, start, end, config.schedule.timezone)
    return inside or found[:1]  # of one at least, the columns are seen


def absolute(path: str) -> str:
    """A local path is relative to the repository; an address stays as it is."""
    return path if "://" in path else str(environment.REPOSITORY / Path(path).expanduser())


def matching(path: str, kind: str | None) -> list[str]:
    """Addresses of the files that a path or a glob names, sorted, so that rows come in the same order every night.

    Of a folder, all files of that kind in it. Raises PermanentError for an address of an unknown kind, TransientError
    where the storage does not answer.
    """
    import fsspec

    try:
        filesystem, bare = fsspec.url_to_fs(path)
        named = filesystem.glob(bare) if "*" in bare else [bare] * bool(filesystem.exists(bare))
        names = [file for name in named for file in _inside(filesystem, name, kind)]
        # Local paths stay plain: in an address, `#` and `?` would mean something.
        return sorted(name if "://" not in path else filesystem.unstrip_protocol(name) for name in names)
    except (ImportError, ValueError) as error:  # a protocol that nobody knows, or whose package is missing
        raise PermanentError(f"{path}: {error}. Known to this environment: {_protocols()}") from error
    except OSError as error:
        raise TransientError(f"{path}: the storage does not answer ({error}); a retry may help") from error


def _inside(filesystem: AbstractFileSystem, name: str, kind: str | None) -> list[str]:
    return files_below(filesystem, name, kind) if filesystem.isdir(name) else [name]


def _load(config: ModelConfig, which: str, source: FilesSource, path: str) -> pd.DataFrame:
    """One file. Declared text stays text: `007` would come back as 7, which nobody could undo."""
    where = f"include/models/{config.name}.yaml: data.{which}.path: {path}"
    try:
        frame = with_values(_parsed(config, source, path, where), path)
    except PermissionError as error:
        raise PermanentError(f"{where} may not be read by this user ({error.strerror}); let it be read") from error
    except OSError as error:
        # What is wrong with a file's content has no number of the system's.
        if error.errno is not None or "://" in path:
            raise TransientError(f"{path}: cannot be read ({error}); a retry may help") from error
        raise _unreadable(where, source, error) from error
    except BROKEN as error:
        raise _unreadable(where, source, error) from error
    doubled = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if doubled:
        raise PermanentError(f"{where} has column {', '.join(doubled)} twice; make it have each column once")
    return frame


def _parsed(config: ModelConfig, source: FilesSource, path: str, where: str) -> pd.DataFrame:
    if source.file_format == "csv":
        return _csv(config, source, where, read_bytes(path))
    return read_typed(path, source.file_format or "")


def _csv(config: ModelConfig, source: FilesSource, where: str, content: bytes) -> pd.DataFrame:
    """A CSV file in the source's dialect. A line that is no row is told of in the column of the day, key or label."""
    import pandas as pd

    from include.data.text_files import read_text
    from include.data.text_values import frame

    table = read_text(where, content, source)
    data = config.data
    if not table.names:
        return pd.DataFrame(columns=list(data.columns))
    wanted = set(data.columns) - {source.row_number}
    if not wanted & set(table.names):
        raise PermanentError(
            f"{where}: its header has none of the declared columns, but {', '.join(table.names)[:200]}. Say what it is "
            f"written in, in data.source: separator (now {source.separator!r}), skip, header"
        )
    telling = (data.time, data.day, *data.key, data.label, *table.names)
    return frame(table, data.columns, source, next(name for name in telling if name in table.names))


def _unreadable(where: str, source: FilesSource, error: Exception) -> PermanentError:
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return PermanentError(
        f"{where} cannot be read as {source.file_format}: {said}. Mend the file, or give data.source.format"
    )


def _protocols() -> str:
    from fsspec import available_protocols

    return ", ".join(sorted(available_protocols()))
