"""Frames of every type that a store knows, with gaps, and what each value has to come to once it is stored."""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from deltalake import write_deltalake
from pyarrow import csv, parquet

FIRST, DAYS, ROWS = date(2026, 3, 27), 4, 40
"""The days around a change of clocks in Europe."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
WORDS = ("ab", "north, south", "ÄÖ", 'so-called "x"', "0x1F", "1e", "nanny", "2026", "-", "a;b")


@dataclass(frozen=True)
class Kind:
    """How one value is made, how it is given to the store, and what is stored of it; `arrow` where a store asks."""

    make: Callable[[random.Random], Any]
    stored: Callable[[Any, ZoneInfo], Any] = lambda value, _: value
    arrow: pa.DataType | None = None
    given: Callable[[Any], Any] = lambda value: value


def moment(random: random.Random, unit: int = 1) -> datetime:
    micro = random.randrange(0, 10**6, unit)
    return datetime(2026, 3, 29, 1, 30, 1, micro) + timedelta(seconds=random.randrange(-(10**7), 10**7))


def zoned(random: random.Random) -> datetime:
    return moment(random).replace(tzinfo=UTC).astimezone(ZoneInfo(random.choice(ZONES)))


def local(value: datetime, zone: ZoneInfo) -> datetime:
    return value.astimezone(zone).replace(tzinfo=None)


def a_date(random: random.Random) -> date:
    return date(1900, 1, 1) + timedelta(days=random.randrange(0, 80_000))


def cents(random: random.Random) -> Decimal:
    return Decimal(random.randrange(-(10**9), 10**9)).scaleb(-2)


def nested(random: random.Random) -> dict[str, Any]:
    return {"b": random.randrange(100), "a": [random.choice(WORDS), None]}


def as_json(value: Any, _: Any = None) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def whole(random: random.Random) -> int:
    return random.randrange(-(2**63), 2**63)


TEXT = Kind(lambda random: f"{random.choice(WORDS)} {random.randrange(50)}")
CODE = Kind(lambda random: f"{random.randrange(10**6):07}")
NUMBER = Kind(lambda random: random.gauss(0, 10 ** random.randrange(-8, 12)))
INTEGER = Kind(whole)
IDENTITY = Kind(lambda random: 10**17 + random.randrange(10**6))
BOOLEAN = Kind(lambda random: random.random() < 0.5)
TIME = Kind(lambda random: time(random.randrange(24), random.randrange(60), 1), lambda value, _: value.isoformat())
UUID = Kind(lambda random: uuid.UUID(int=random.getrandbits(128)), lambda value, _: str(value))
DECIMAL = Kind(cents, lambda value, _: float(value), pa.decimal128(18, 2))
JSON = Kind(nested, as_json)

ARROW: dict[str, Kind] = {
    "text": TEXT,
    "large_text": Kind(TEXT.make, arrow=pa.large_string()),
    "dictionary": Kind(TEXT.make, arrow=pa.dictionary(pa.int32(), pa.string())),
    "code": CODE,
    "int64": Kind(whole, arrow=pa.int64()),
    "int8": Kind(lambda random: random.randrange(-128, 128), arrow=pa.int8()),
    "whole_floats": Kind(lambda random: float(random.randrange(10**6)), lambda value, _: value, pa.float64()),
    "double": NUMBER,
    "float": Kind(lambda random: random.randrange(-(2**20), 2**20) / 64, arrow=pa.float32()),
    "boolean": BOOLEAN,
    "numeric": DECIMAL,
    "numeric_whole": Kind(lambda random: Decimal(whole(random)), lambda value, _: int(value), pa.decimal128(38, 0)),
    "numeric_long": Kind(
        lambda random: Decimal(10**30 + whole(random)), lambda value, _: str(value), pa.decimal128(38)
    ),
    "date": Kind(a_date),
    "stamp": Kind(moment, arrow=pa.timestamp("us")),
    "stamp_utc": Kind(zoned, local, pa.timestamp("us", "UTC")),
    "uuid_text": Kind(UUID.make, UUID.stored, pa.string(), str),
    "list": Kind(lambda random: [random.choice(WORDS), None], as_json, pa.list_(pa.string())),
    "struct": Kind(nested, as_json, pa.struct({"b": pa.int64(), "a": pa.list_(pa.string())})),
    "bytes": Kind(lambda random: f"{random.randrange(999)}é".encode(), lambda value, _: value.decode(), pa.binary()),
}
STORES: dict[str, dict[str, Kind]] = {
    "delta": ARROW,
    "parquet": ARROW
    | {
        "uint64": Kind(lambda random: 2**63 + random.randrange(2**60), lambda value, _: str(value), pa.uint64()),
        "uint32": Kind(lambda random: random.randrange(2**32), arrow=pa.uint32()),
        "stamp_seconds": Kind(lambda random: moment(random, 10**6), arrow=pa.timestamp("s")),
        "stamp_nanos": Kind(moment, arrow=pa.timestamp("ns")),
        "stamp_zone": Kind(
            lambda random: moment(random, 1000).replace(tzinfo=UTC), local, pa.timestamp("ms", "America/New_York")
        ),
        "time": Kind(TIME.make, TIME.stored, pa.time64("us")),
        "duration": Kind(
            lambda random: timedelta(seconds=random.randrange(10**6)),
            lambda value, _: value.total_seconds(),
            pa.duration("ms"),
        ),
        "null": Kind(lambda _: None, arrow=pa.null()),
        "uuid": Kind(UUID.make, UUID.stored, pa.uuid()),
    },
    "jsonl": {
        "text": TEXT,
        "code": CODE,
        "integer": INTEGER,
        "identity": IDENTITY,
        "number": NUMBER,
        "mixed": Kind(lambda random: random.choice((random.randrange(99), 0.5)), lambda value, _: float(value)),
        "any": Kind(
            lambda random: random.choice((1, 2.5, True, "word", [1])),
            lambda value, _: {1: "1", 2.5: "2.5"}.get(value, value) if type(value) in (int, float) else _said(value),
        ),
        "huge": Kind(lambda random: 2**64 + random.randrange(99), lambda value, _: str(value)),
        "boolean": BOOLEAN,
        "object": JSON,
        "date": Kind(a_date, given=str),
        "stamp": Kind(moment, given=str),
        "stamp_zoned": Kind(zoned, local, given=lambda value: value.isoformat()),
        "stamp_z": Kind(
            lambda random: moment(random).replace(tzinfo=UTC),
            local,
            given=lambda value: value.isoformat().replace("+00:00", "Z"),
        ),
        "time": Kind(TIME.make, TIME.stored, given=str),
    },
    "sql": {
        "text": TEXT,
        "code": CODE,
        "integer": INTEGER,
        "identity": IDENTITY,
        "number": NUMBER,
        "numeric": Kind(lambda random: random.choice((random.randrange(99), 0.5)), lambda value, _: float(value)),
        "date": Kind(a_date, given=str),
        "stamp": Kind(moment, given=str),
        "stamp_zoned": Kind(zoned, local, given=str),
        "json": Kind(nested, lambda value, _: as_json(value), given=as_json),
        "bytes": Kind(lambda random: f"{random.randrange(999)}é".encode(), lambda value, _: value.decode()),
        "time": Kind(TIME.make, TIME.stored, given=str),
    },
    "csv": {
        "text": TEXT,
        "code": CODE,
        "integer": INTEGER,
        "identity": IDENTITY,
        "number": Kind(NUMBER.make, given=repr),
        "numeric": Kind(cents, lambda value, _: float(value), given=str),
        "boolean": Kind(BOOLEAN.make, given=lambda value: str(value).lower()),
        "date": Kind(a_date, given=str),
        "stamp": Kind(moment, given=str),
        "stamp_zoned": Kind(zoned, local, given=str),
        "stamp_z": Kind(
            lambda random: moment(random, 10**6).replace(tzinfo=UTC),
            local,
            given=lambda value: value.isoformat().replace("+00:00", "Z"),
        ),
        "time": Kind(TIME.make, TIME.stored, given=str),
        "uuid": Kind(UUID.make, UUID.stored, given=str),
        "json": Kind(nested, as_json, given=as_json),
    },
}


def _said(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value)


@dataclass(frozen=True)
class Frame:
    """Where a generated frame lies, how it is asked for, and the stored value of each column and key."""

    place: str
    query: str | None
    zone: str
    days: tuple[date, ...]
    stored: dict[str, dict[str, Any]]


def generated(store: str, seed: int, folder: Path) -> Frame:
    """A frame of all types of a store, its gaps and zone by the seed, written there."""
    dice = random.Random(f"{store} {seed}")
    zone = ZONES[seed % len(ZONES)]
    gaps = (0.0, 0.3, 0.9)[seed % 3]
    keys = [f"k{number:03}" for number in range(ROWS)]
    days = [FIRST + timedelta(days=number % DAYS) for number in range(ROWS)]
    made: dict[str, list[Any]] = {}
    for name, kind in STORES[store].items():
        made[name] = [None if dice.random() < gaps else kind.make(dice) for _ in keys]
    stored = {
        name: {
            key: None if value is None else STORES[store][name].stored(value, ZoneInfo(zone))
            for key, value in zip(keys, values, strict=True)
        }
        for name, values in made.items()
    }
    given = {
        name: [None if value is None else STORES[store][name].given(value) for value in values]
        for name, values in made.items()
    }
    columns = {"row_id": keys, "sold_on": days, "returned": [number % 2 for number in range(ROWS)], **given}
    place, query = _write(store, columns, folder, dice)
    return Frame(place, query, zone, tuple(sorted(set(days))), stored)


def _write(store: str, columns: dict[str, list[Any]], folder: Path, dice: random.Random) -> tuple[str, str | None]:
    if store in ("parquet", "delta"):
        types = {name: kind.arrow for name, kind in STORES[store].items()}
        table = pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})
        if store == "delta":
            vectors = {"delta.enableDeletionVectors": "true"} if dice.random() < 0.3 else None
            write_deltalake(str(folder / "table"), table, configuration=vectors)
            return str(folder / "table"), None
        return _parquet(table, folder, dice), None
    plain = columns | {"sold_on": [str(day) for day in columns["sold_on"]]}
    rows = [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]
    if store == "jsonl":
        # Half of the writers leave out what is not there.
        left_out = dice.random() < 0.5
        kept = [{name: value for name, value in row.items() if value is not None or not left_out} for row in rows]
        (folder / "rows.jsonl").write_text("\n".join(json.dumps(row) for row in kept))
        return str(folder / "rows.jsonl"), None
    if store == "csv":
        text = {name: ["" if value is None else str(value) for value in values] for name, values in plain.items()}
        table = pa.table({name: pa.array(values, pa.string()) for name, values in text.items()})
        csv.write_csv(table, folder / "rows.csv", csv.WriteOptions(quoting_style="needed"))
        return str(folder / "rows.csv"), None
    return _sqlite(plain, folder)


def _parquet(table: pa.Table, folder: Path, dice: random.Random) -> str:
    """One file, or a folder for each day."""
    if dice.random() < 0.5:
        parquet.write_table(table, folder / "rows.parquet")
        return str(folder / "rows.parquet")
    parquet.write_to_dataset(table, folder / "lake", partition_cols=["sold_on"])
    return str(folder / "lake" / "*" / "*.parquet") if dice.random() < 0.5 else str(folder / "lake")


def _sqlite(columns: dict[str, list[Any]], folder: Path) -> tuple[str, str]:
    affinity = {
        "returned": "integer",
        "numeric": "numeric(8,2)",
        "number": "real",
        "integer": "bigint",
        "identity": "bigint",
        "bytes": "blob",
    }
    declared = ", ".join(f'"{name}" {affinity.get(name, "text")}' for name in columns)
    with sqlite3.connect(folder / "rows.db") as database:
        database.execute(f"create table rows ({declared})")
        marks = ", ".join("?" * len(columns))
        database.executemany(f"insert into rows values ({marks})", list(zip(*columns.values(), strict=True)))
    database.close()
    return f"sqlite:///{folder / 'rows.db'}", "select * from rows where sold_on between :start and :end"
