"""Rows from files: one, a glob's, or one a day; local, or wherever fsspec reaches."""

from __future__ import annotations

import zlib
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.config import environment
from include.errors import PermanentError, TransientError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import FilesSource, ModelConfig

DAY = "{day}"
EMPTY = [""]
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None"]
"""What a CSV file writes where a number is missing. In text `NA` is a word: a country, an airline."""


def read(config: ModelConfig, which: str, source: FilesSource, start: date, end: date) -> pd.DataFrame:
    """Rows of the files of the days from `start` to `end`, both included, or of all files, where none is of a day.

    A day without a file has no rows.

    Raises PermanentError where no file is there at all or one cannot be read, TransientError where the storage fails.
    """
    import pandas as pd

    paths = _by_day(source, start, end) if DAY in source.path else _listed(config, which, source)
    frames = [_load(config, which, source, path) for path in paths]
    if not frames:
        return pd.DataFrame(columns=list(config.data.columns))
    if source.row_number and DAY in source.path:
        frames = [frame.assign(**{source.row_number: range(1, len(frame) + 1)}) for frame in frames]
    rows = pd.concat(frames, ignore_index=True)
    if source.row_number and DAY not in source.path:
        rows[source.row_number] = range(1, len(rows) + 1)
    return rows


def _by_day(source: FilesSource, start: date, end: date) -> list[str]:
    """The days' files that are there."""
    days = [start + timedelta(days=step) for step in range((end - start).days + 1)]
    named = [_absolute(source.path.replace(DAY, day.isoformat())) for day in days]
    return [path for path in named if _matching(path)]


def _listed(config: ModelConfig, which: str, source: FilesSource) -> list[str]:
    found = _matching(_absolute(source.path))
    if not found:
        raise PermanentError(
            f"include/models/{config.name}.yaml: data.{which}.path: no file matches {source.path!r} "
            f"(looked at {_absolute(source.path)}). Put the files there, or change the path"
        )
    return found


def _absolute(path: str) -> str:
    """A local path is relative to the repository; an address stays as it is."""
    return path if "://" in path else str(environment.REPOSITORY / Path(path).expanduser())


def _matching(path: str) -> list[str]:
    """Addresses of the files that a path or a glob names, sorted, so that rows come in the same order every night."""
    import fsspec

    try:
        filesystem, bare = fsspec.url_to_fs(path)
        names = filesystem.glob(bare) if "*" in bare else [bare] * bool(filesystem.exists(bare))
        # Local paths stay plain: in an address, `#` and `?` would mean something.
        return sorted(name if "://" not in path else filesystem.unstrip_protocol(name) for name in names)
    except (ImportError, ValueError) as error:  # a protocol that nobody knows, or whose package is missing
        raise PermanentError(f"{path}: {error}. Known to this environment: {_protocols()}") from error
    except OSError as error:
        raise TransientError(f"{path}: the storage does not answer ({error}); a retry may help") from error


def _load(config: ModelConfig, which: str, source: FilesSource, path: str) -> pd.DataFrame:
    """One file. Declared text stays text: `007` would come back as 7, which nobody could undo."""
    import pandas as pd

    where = f"include/models/{config.name}.yaml: data.{which}.path: {path}"
    if "://" not in path and Path(path).is_dir():
        raise PermanentError(f"{where} is a folder; name the files in it, such as {path}/*.{source.file_format}")
    try:
        frame = _parsed(config, source, path)
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=list(config.data.columns))
    except PermissionError as error:
        raise PermanentError(f"{where} may not be read by this user ({error.strerror}); let it be read") from error
    except OSError as error:
        # What is wrong with a file's content has no number of the system's.
        if error.errno is not None or "://" in path:
            raise TransientError(f"{path}: cannot be read ({error}); a retry may help") from error
        raise _unreadable(where, source, error) from error
    except (ValueError, EOFError, zlib.error) as error:  # pandas', pyarrow's and gzip's words for another kind of file
        raise _unreadable(where, source, error) from error
    doubled = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if doubled:
        raise PermanentError(f"{where} has column {', '.join(doubled)} twice; make it have each column once")
    return frame


def _parsed(config: ModelConfig, source: FilesSource, path: str) -> pd.DataFrame:
    import pandas as pd

    text = {name: "str" for name, kind in config.data.columns.items() if kind in ("string", "date", "timestamp")}
    if source.file_format == "parquet":
        return pd.read_parquet(path)
    if source.file_format == "jsonl":
        return pd.read_json(path, lines=True, dtype=False, convert_dates=False)
    missing = {name: EMPTY if name in text else MISSING for name in config.data.columns}

    # pandas names what is no UTF-8 only where it is not told to expect it.
    encoding = None if source.encoding == "utf-8" else source.encoding

    def read(**how: Any) -> pd.DataFrame:
        found: pd.DataFrame = pd.read_csv(path, sep=source.separator, encoding=encoding, **how)
        return found

    rows = read(dtype=text, keep_default_na=False, na_values=missing, decimal=source.decimal)
    # pandas renames the second `price` to `price.1`, by which it would be a column that nobody declared.
    if any(str(name).rpartition(".")[0] in rows.columns for name in rows.columns):
        rows.columns = pd.Index(read(header=None, nrows=1, dtype="str").iloc[0].tolist())
    return rows


def _unreadable(where: str, source: FilesSource, error: Exception) -> PermanentError:
    said = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return PermanentError(
        f"{where} cannot be read as {source.file_format}: {said}. Mend the file, or give data.source.format"
    )


def _protocols() -> str:
    from fsspec import available_protocols

    return ", ".join(sorted(available_protocols()))
