"""The rows of the stretch, read once, and given out as each night knew them.

What a night may see is decided by `windows.read_rows` alone, as it is for the DAGs: the rows in memory only take the
place of the table that it reads.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.config import environment
from include.config.next_commands import trigger
from include.contracts import DayRange
from include.data import tables, windows
from include.data.gaps import Gaps, find_gaps
from include.errors import NotEnoughData, PermanentError

if TYPE_CHECKING:
    import pandas as pd

    from include.config.schema import ModelConfig
    from include.replay.plan import Plan

Origin = Literal["auto", "live", "source"]
CHUNK_DAYS = 31
"""Days that are read from the source and validated at once."""


@dataclass(frozen=True)
class Place:
    """Where the rows are: a root of tables, the model's folder below it, and the version that is read."""

    root: str
    model: str
    version: int
    own: bool

    def told(self) -> str:
        whose = "the replay's own table, read from the source and validated" if self.own else "the live table"
        return f"{whose} (version {self.version} of {self.model}/{windows.VALIDATED})"


class History:
    """All rows of a stretch of days in memory, as Arrow; `there` maps each day that has rows to its digest."""

    def __init__(self, model: str, rows: pa.Table, there: Mapping[date, str]) -> None:
        self.model, self.table, self.there = model, rows, dict(there)
        self._days = rows["day"].to_numpy(zero_copy_only=False).astype("datetime64[D]")

    @classmethod
    def load(cls, config: ModelConfig, place: Place, days: DayRange) -> History:
        """Read the days from `place`, whose version names a snapshot that never changes."""
        with tables_in(place.root):
            asked = (days.start, days.end)
            rows = tables.read_arrow(place.model, windows.VALIDATED, None, asked, place.version)
            there = windows.validated_days(config, days, place.version)
        if rows is None:
            raise PermanentError(f"{place.told()} below {place.root} is gone; run the same command again")
        return cls(config.name, rows, there)

    def read(
        self,
        model: str,
        table: str,
        columns: Sequence[str],
        days: tuple[date, date],
        version: int | None = None,
    ) -> pd.DataFrame:
        """Stands in for `tables.read` on the one table that is in memory."""
        if (model, table) != (self.model, windows.VALIDATED):
            raise PermanentError(f"a replay of {self.model} reads its validated rows, not {model}/{table}")
        inside = (self._days >= np.datetime64(days[0])) & (self._days <= np.datetime64(days[1]))
        chosen, found = self.table.select(list(columns)), np.flatnonzero(inside)
        if len(found) and found[-1] - found[0] + 1 == len(found):  # lying together, which days in their order do
            return chosen.slice(int(found[0]), len(found)).to_pandas()
        return chosen.filter(pa.array(inside)).to_pandas()

    def rows(
        self, config: ModelConfig, days: DayRange, as_of: date, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """`windows.read_rows` of these rows: those of `days`, with rates and labels, as night `as_of` knew them."""
        return windows.read_rows(config, days, as_of, columns=columns, read=self.read)

    def day(self, config: ModelConfig, day: date, as_of: date | None = None) -> pd.DataFrame:
        """One day's rows; by default as of the night that follows it, which scores them."""
        return self.rows(config, DayRange(start=day, end=day), as_of or day + timedelta(days=1))

    def labels(self, config: ModelConfig, days: DayRange, as_of: date) -> pd.DataFrame:
        """The rows' keys and labels as night `as_of` knew them: as `rows`, without the rates, which take the time."""
        bare = config.model_copy(update={"features": config.features.model_copy(update={"rates": ()})})
        return windows.read_rows(bare, days, as_of, columns=config.data.key, read=self.read)

    def seen(self, config: ModelConfig, night: date) -> str:
        """Digest of the snapshots that a night's model can depend on."""
        first = windows.training_windows(config, night).whole.start - timedelta(days=windows.lookback_days(config))
        named = "|".join(f"{day}={digest}" for day, digest in self.there.items() if first <= day < night)
        return hashlib.sha256(named.encode()).hexdigest()[:16]

    def altered(self, config: ModelConfig, night: date) -> History:
        """This history with everything changed that night `night` must not know: later rows, labels yet to come."""
        data, columns = config.data, {}
        unborn = self._days >= np.datetime64(night)
        unlabelled = self._days + np.timedelta64(data.label_delay_days, "D") > np.datetime64(night)
        for name in self.table.column_names:
            column = self.table[name]
            if name == data.label:
                columns[name] = pc.if_else(pa.array(unlabelled), _flipped(column), column)
            elif name in config.features.names:
                columns[name] = pc.if_else(pa.array(unborn), _other(column), column)
            else:
                columns[name] = column
        return History(self.model, pa.table(columns), self.there)


def _flipped(label: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.subtract(pa.scalar(1, label.type), label)


def _other(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Other values of the same type: numbers moved far away, everything else turned round within the column."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return pc.add(column, pa.scalar(1000, column.type))
    return column.take(pa.array(np.arange(len(column))[::-1]))


@contextmanager
def environment_with(changed: Mapping[str, str]) -> Iterator[None]:
    """Environment variables inside the `with` block, for this process and those that it starts."""
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def tables_in(root: str) -> AbstractContextManager[None]:
    """Tables are read and written below another root inside the `with` block."""
    return environment_with({"NIGHTSHIFT_TABLES": root})


def missing(config: ModelConfig, days: DayRange, root: str) -> tuple[Gaps, int | None]:
    """Days without validated rows below `root`, and the table's version."""
    with tables_in(root):
        version = tables.table_version(config.name, windows.VALIDATED)
        there = windows.validated_days(config, days, version) if version is not None else {}
    return find_gaps(config, days, there), version


def locate(plan: Plan, origin: Origin, folder: Path) -> Place | None:
    """The live table where it has the days and may be read, or else what `folder` has; None where neither is enough."""
    config, live = plan.config, environment.tables_uri().rstrip("/")
    own = str(folder / "tables")
    for root, wanted, is_own in ((live, "live", False), (own, "source", True)):
        if origin in ("auto", wanted):
            gaps, version = missing(config, plan.days, root)
            if version is not None and gaps.bearable:
                return Place(root, config.name, version, is_own)
    return None


def refuse(plan: Plan, origin: Origin, folder: Path) -> NotEnoughData:
    """What is missing, and the next command."""
    config, days = plan.config, plan.days
    root = environment.tables_uri() if origin == "live" else str(folder / "tables")
    gaps, _ = missing(config, days, root.rstrip("/"))
    where = "the live table" if origin == "live" else f"the source {config.data.source.place}"
    return NotEnoughData(
        f"{config.name}: nights {plan.first} to {plan.last} need the {days.days} validated days {days.start} to "
        f"{days.end} (the first night's window, and {windows.lookback_days(config)} days before it for the rates); "
        f"{where} lacks {gaps.named}. {gaps.rule}.\n"
        f"Next: give a later --from or an earlier --to; or load them, "
        f"{trigger(config.name, 'ingest', start=gaps.days[0], end=gaps.days[-1])}, and give --data live"
    )


def chunks(days: Sequence[date]) -> list[DayRange]:
    """Runs of consecutive days, at most CHUNK_DAYS long."""
    found: list[DayRange] = []
    for day in days:
        last = found[-1] if found else None
        if last is not None and last.end + timedelta(days=1) == day and last.days < CHUNK_DAYS:
            found[-1] = DayRange(start=last.start, end=day)
        else:
            found.append(DayRange(start=day, end=day))
    return found


def fill(config: ModelConfig, days: DayRange, folder: Path) -> None:
    """Read days from the source into the replay's own tables, by the very ingest that the nights use."""
    from include.validation.ingest import ingest

    with environment_with({"NIGHTSHIFT_TABLES": str(folder / "tables"), "NIGHTSHIFT_STATE": str(folder)}):
        ingest(config, days.start, days.end)
