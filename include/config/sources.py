"""Where a model's rows come from: the section `data.source`, and `data.labels` where labels live elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from include.config.section import Name, Section


class PythonSource(Section):
    """A function `read(start, end) -> DataFrame` in `include/data/sources/<module>.py`."""

    kind: Literal["python"]
    module: Name

    @property
    def place(self) -> str:
        return f"include/data/sources/{self.module}.py"


class FilesSource(Section):
    """CSV, Parquet or JSON-lines files: one, those of a glob (`*`), or one a day, `{day}` standing for 2026-01-31.

    `path` is a local path or an address that fsspec knows: `s3://bucket/sales/{day}.parquet`, once the package s3fs is
    installed. Without `{day}` the files are read whole each night, and the day column says which rows are of the night.
    `format` follows the file's ending (.parquet, .csv or .jsonl, the latter two also as .gz) unless it is given.
    """

    kind: Literal["files"]
    path: str = Field(min_length=1)
    format: Literal["csv", "parquet", "jsonl"] | None = None

    @property
    def place(self) -> str:
        return self.path

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
    last: `where sold_at >= :start and sold_at < :next_day`. `${NAME}` in the url is an environment variable, which is
    where a password belongs.
    """

    kind: Literal["sql"]
    query: str = Field(min_length=1)
    url: str | None = None
    connection: str | None = None

    @property
    def place(self) -> str:
        return f"connection {self.connection}" if self.connection else "the database of data.source.url"

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.connection is None):
            raise ValueError("give exactly one of url and connection")
        return self


class DeltaSource(Section):
    """A Delta Lake table by its local path or address, such as `s3://bucket/table`; the day column says which rows are
    of a night."""

    kind: Literal["delta"]
    path: str = Field(min_length=1)

    @property
    def place(self) -> str:
        return self.path


Source = Annotated[PythonSource | FilesSource | SqlSource | DeltaSource, Field(discriminator="kind")]
