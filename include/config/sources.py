"""Where a model's rows come from: the section `data.source`, and `data.labels` where labels live elsewhere."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from include.config.section import Column, Name, Section
from include.config.sql_text import bound_names, statement_fault
from include.config.text_dialect import TextDialect

BINDS = ("start", "end", "next_day")
VARIABLES = re.compile(r"\$\{(\w+)\}")
"""`${NAME}` in a url: an environment variable."""
SECRETS = frozenset({"password", "passwd", "pwd", "sslpassword", "token", "access_token", "secret", "private_key"})
"""Settings in a url's query that hold a secret."""
PACKED = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tar", ".zip", ".gz", ".bz2", ".xz", ".zst")
"""Endings of files that are packed, of one file each."""
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


class PythonSource(Section):
    """A function `read(start, end) -> DataFrame` in `include/data/sources/<module>.py`."""

    kind: Literal["python"]
    module: Name

    @property
    def place(self) -> str:
        return f"include/data/sources/{self.module}.py"

    @property
    def looks_back(self) -> bool:
        """Whether it can answer for a day that has passed; one that cannot gives what there is now."""
        return True


class FilesSource(TextDialect):
    """CSV, Parquet, JSON-lines or JSON files: one, a glob's (`*`), or one a day, `{day}` standing for 2026-01-31.

    `path` is a local path or an address that fsspec knows: `s3://bucket/sales/{day}.parquet`, once the package s3fs is
    installed. Without `{day}` the files are read whole each night, and the day column says which rows are of the night.
    `format` follows the file's ending (.parquet, .csv, .jsonl or .json, the text ones also packed as .gz, .bz2, .xz,
    .zst, .zip or .tar of one file) unless it is given. Where no columns name a row, `row_number` adds one that counts
    the rows from 1, which holds as long as rows are only ever added at the end. The other keys are those of CSV files:

    - `separator`, `decimal` and `thousands` (a space also stands for the no-break ones); `encoding`; `quote`, a
      character or `none`, and `escape`; `skip`, lines before the header; `header`, false where there is none (columns
      are then `column_1` and so on), or all names; `comment`, what lines begin with that are no rows.
    - `units`: what stands before or after the numbers of a column and is no part of them, by the column's name, such as
      `{price: $, weight: kg}`; several that mean the same are a list, in which `''` is a number without one. A number
      with another unit is a fault of its row.
    - `negative`: `parentheses` where (1.50) is -1.50, `trailing` where 1.50- is.
    - `missing`: what stands for no value in any column, beside the usual ones (an empty field; NA, N/A, n/a, NaN, nan,
      null, NULL and None in columns that are not text).
    - `date_format`: of every column of dates and time stamps, or of each by name, such as `%d.%m.%Y`, `epoch_seconds`
      or `epoch_milliseconds`; ISO 8601 without one.
    - `fold`: columns of text whose values are taken without blanks around them and in small letters.
    """

    kind: Literal["files"]
    path: str = Field(min_length=1)
    format: Literal["csv", "parquet", "jsonl", "json"] | None = None
    row_number: Column | None = None

    @property
    def place(self) -> str:
        return self.path

    @property
    def looks_back(self) -> bool:
        return "{day}" in self.path

    @model_validator(mode="after")
    def _format_known(self) -> Self:
        name = bare_name(self.path)
        if self.format is None and name.endswith(WORKBOOKS):
            raise ValueError(f"{self.path!r} is a workbook, which is not read; save its sheet as CSV, and name that")
        if self.format is None and self.file_format is None:
            raise ValueError(
                f"{self.path!r} does not say what its files are; name them .csv, .parquet, .jsonl or .json, or give "
                "format"
            )
        return self

    @property
    def file_format(self) -> Literal["csv", "parquet", "jsonl", "json"] | None:
        """The format given, or the ending's; None for an ending that says nothing."""
        endings: dict[str, Literal["csv", "parquet", "jsonl", "json"]] = {
            ".csv": "csv",
            ".parquet": "parquet",
            ".pq": "parquet",
            ".jsonl": "jsonl",
            ".ndjson": "jsonl",
            ".json": "json",
        }
        name = bare_name(self.path)
        return self.format or next((found for ending, found in endings.items() if name.endswith(ending)), None)


def bare_name(path: str) -> str:
    """The path in small letters, without what says how the file is packed: `sales.csv` of `Sales.csv.gz`."""
    name = path.lower()
    packed = next((ending for ending in PACKED if name.endswith(ending)), "")
    return name.removesuffix(packed)


class SqlSource(Section):
    """A query to a database: by an SQLAlchemy `url`, or by the id of an Airflow `connection`.

    `:start` and `:end` in the query are bound to the first and the last day asked for, `:next_day` to the day after the
    last: `where sold_at >= :start and sold_at < :next_day`. A snapshot's query may bind none of them. It is one
    statement that reads, and runs in a transaction that may only read where the database has such. `${NAME}` in the url
    is an environment variable, which is where a password belongs. Without Airflow, a connection is read from
    `AIRFLOW_CONN_<ID>`, as Airflow itself would.
    """

    kind: Literal["sql"]
    query: str = Field(min_length=1)
    url: str | None = None
    connection: str | None = None

    @property
    def place(self) -> str:
        return f"connection {self.connection}" if self.connection else "the database of data.source.url"

    @property
    def bound(self) -> frozenset[str]:
        """Which of `:start`, `:end` and `:next_day` the query binds."""
        return bound_names(self.query)

    @property
    def looks_back(self) -> bool:
        return bool(self.bound)

    @field_validator("query")
    @classmethod
    def _reads(cls, value: str) -> str:
        if fault := statement_fault(value):
            raise ValueError(fault)
        if unknown := sorted(bound_names(value) - set(BINDS)):
            raise ValueError(
                f"nothing is bound to {', '.join(f':{name}' for name in unknown)}; "
                f"known are {', '.join(f':{name}' for name in BINDS)}"
            )
        return value

    @field_validator("url")
    @classmethod
    def _no_secret(cls, value: str | None) -> str | None:
        """The value itself is not repeated in the message: it would end up in logs."""
        if value is not None and _holds_secret(value):
            raise ValueError(
                "the url holds a password, which whoever reads this file would know; write ${NAME} in its place, such "
                "as postgresql+psycopg2://reader:${SALES_PASSWORD}@host/sales, and set the environment variable NAME"
            )
        if value is not None and "://" not in VARIABLES.sub("", value) and not VARIABLES.match(value):
            raise ValueError(
                "this is no SQLAlchemy url, such as postgresql+psycopg2://host/sales or sqlite:///sales.db"
            )
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.connection is None):
            raise ValueError("give exactly one of url and connection")
        return self


def _holds_secret(url: str) -> bool:
    """Whether a password, or a setting that holds one, is written out rather than left to the environment."""
    user = re.match(r"[^/]*://[^:/@]*:(?P<password>[^@]*)@", url)
    given = [user["password"]] if user else []
    query = parse_qsl(urlsplit(url.replace("${", "$(")).query)
    given += [value for name, value in query if name.lower() in SECRETS]
    given += [found for _, value in query for found in re.findall(r"(?i)\b(?:pwd|password)=([^;]*)", unquote(value))]
    return any(VARIABLES.sub("", value.replace("$(", "${")) for value in given)


class DeltaSource(Section):
    """A Delta Lake table by its local path or address, such as `s3://bucket/table`; the day column says which rows are
    of a night."""

    kind: Literal["delta"]
    path: str = Field(min_length=1)

    @property
    def place(self) -> str:
        return self.path

    @property
    def looks_back(self) -> bool:
        return False


Source = Annotated[PythonSource | FilesSource | SqlSource | DeltaSource, Field(discriminator="kind")]
