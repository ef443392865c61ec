"""Where a model's rows come from: the section `data.source`, and `data.labels` where labels live elsewhere."""

from __future__ import annotations

import codecs
import re
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from include.config.section import Column, Name, Section
from include.config.sql_text import bound_names, statement_fault

BINDS = ("start", "end", "next_day")
VARIABLES = re.compile(r"\$\{(\w+)\}")
"""`${NAME}` in a url: an environment variable."""
SECRETS = frozenset({"password", "passwd", "pwd", "sslpassword", "token", "access_token", "secret", "private_key"})
"""Settings in a url's query that hold a secret."""


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


class FilesSource(Section):
    """CSV, Parquet or JSON-lines files: one, those of a glob (`*`), or one a day, `{day}` standing for 2026-01-31.

    `path` is a local path or an address that fsspec knows: `s3://bucket/sales/{day}.parquet`, once the package s3fs is
    installed. Without `{day}` the files are read whole each night, and the day column says which rows are of the night.
    `format` follows the file's ending (.parquet, .csv or .jsonl, the latter two also as .gz) unless it is given;
    `separator`, `decimal` and `encoding` are those of CSV files. Where no columns name a row, `row_number` adds one
    that counts the rows from 1, which holds as long as rows are only ever added at the end.
    """

    kind: Literal["files"]
    path: str = Field(min_length=1)
    format: Literal["csv", "parquet", "jsonl"] | None = None
    separator: str = Field(default=",", min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    row_number: Column | None = None

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name
        except LookupError:
            raise ValueError(f"{value!r} is no encoding of text, such as utf-8 or latin-1") from None

    @property
    def place(self) -> str:
        return self.path

    @property
    def looks_back(self) -> bool:
        return "{day}" in self.path

    @model_validator(mode="after")
    def _format_known(self) -> Self:
        if self.format is None and self.file_format is None:
            raise ValueError(
                f"{self.path!r} does not say what its files are; name them .csv, .parquet or .jsonl, or give format"
            )
        return self

    @property
    def file_format(self) -> Literal["csv", "parquet", "jsonl"] | None:
        """The format given, or the ending's; None for an ending that says nothing."""
        endings: dict[str, Literal["csv", "parquet", "jsonl"]] = {
            ".csv": "csv",
            ".parquet": "parquet",
            ".pq": "parquet",
            ".jsonl": "jsonl",
            ".ndjson": "jsonl",
        }
        name = self.path.lower().removesuffix(".gz")
        return self.format or next((found for ending, found in endings.items() if name.endswith(ending)), None)


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
