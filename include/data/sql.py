"""Rows from a database: one query, its days bound as dates, read in a transaction that is never committed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from include.config import environment
from include.config.sql_text import with_escaped_quotes
from include.data import connections
from include.data.columns import from_objects, stacked_frames
from include.data.sql_faults import classed, driver_fault
from include.data.values import convert
from include.errors import PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from sqlalchemy import URL, Connection, Engine, TextClause

    from include.config.schema import ColumnType, ModelConfig, SqlSource

ROWS_AT_ONCE = 20_000


def read(config: ModelConfig, which: str, source: SqlSource, start: date, end: date) -> pd.DataFrame:
    """Rows of the model's query for the days from `start` to `end`, both included, as the database has them."""
    field = f"include/models/{config.name}.yaml: data.{which}"
    return fetch(field, source, start, end, config.data.columns, config.schedule.timezone)


def fetch(
    field: str, source: SqlSource, start: date, end: date, kinds: Mapping[str, ColumnType], timezone: str
) -> pd.DataFrame:
    """Rows of a query; `field` names it in errors, `kinds` are the types that its columns are declared with.

    They are fetched in parts, each turned into its declared types at once, so that memory holds the rows once and not
    the driver's objects beside them. What is not of its declared type stays as it came, for validation to name.

    Raises PermanentError for what the same question meets again (no such driver, password, table, column), and
    TransientError for a database that is away or busy.
    """
    from sqlalchemy.exc import SQLAlchemyError

    url = _address(source, field)
    engine = _engine(url, field)
    try:
        with engine.connect() as connection:
            _only_read(connection, timezone)
            result = connection.execution_options(stream_results=True, max_row_buffer=ROWS_AT_ONCE).execute(
                _statement(source, start, end)
            )
            names = list(result.keys())
            parts = [_frame(part, names, kinds, timezone) for part in result.partitions(ROWS_AT_ONCE)]
    except (SQLAlchemyError, UnicodeDecodeError) as error:
        raise classed(error, url, field) from None
    finally:
        engine.dispose()
    return _joined(parts, names)


def _address(source: SqlSource, field: str) -> URL:
    if source.url is not None:
        url = connections.of_url(source.url, f"{field}.url")
    else:
        url = connections.of_connection(str(source.connection), f"{field}.connection")
    return _sqlite(url, field) if url.get_backend_name() == "sqlite" else url


def _sqlite(url: URL, field: str) -> URL:
    """The file, opened for reading alone: SQLite would create one that is not there, empty."""
    if not url.database or url.database.startswith((":", "file:")):
        return url
    path = environment.REPOSITORY / url.database
    if not path.is_file():
        raise PermanentError(f"{field}: there is no SQLite database {path}; correct the path, or create it")
    # A question mark or a hash in the name would end it.
    quoted = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return url.set(database=f"file:{quoted}", query={**url.query, "mode": "ro", "uri": "true"})


def _engine(url: URL, field: str) -> Engine:
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    except (SQLAlchemyError, ImportError, TypeError) as error:
        raise driver_fault(error, url, field) from None


def _only_read(connection: Connection, timezone: str) -> None:
    """Let the transaction read alone, and days begin at the model's midnight, where the database knows how."""
    from sqlalchemy import text

    name = connection.dialect.name
    if name == "postgresql":
        connection.execution_options(postgresql_readonly=True)
        # `sold_at >= :start` on a time stamp with a zone is midnight in the session's zone.
        connection.execute(text("select set_config('TimeZone', :zone, true)"), {"zone": timezone})
    elif name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
    elif name in ("mysql", "mariadb"):
        connection.exec_driver_sql("START TRANSACTION READ ONLY")
    elif name == "oracle":
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _statement(source: SqlSource, start: date, end: date) -> TextClause:
    from sqlalchemy import Date, bindparam, text

    values = {"start": start, "end": end, "next_day": end + timedelta(days=1)}
    named = [bindparam(name, values[name], type_=Date()) for name in sorted(source.bound)]
    return text(with_escaped_quotes(source.query.strip().removesuffix(";"))).bindparams(*named)


def _frame(rows: Sequence[Any], names: Sequence[str], kinds: Mapping[str, ColumnType], zone: str) -> pd.DataFrame:
    import pandas as pd

    columns = zip(*rows, strict=True)
    typed = {
        number: _typed(from_objects(values), kinds.get(name), zone)
        for number, (name, values) in enumerate(zip(names, columns, strict=True))
    }
    return pd.DataFrame(typed)


def _joined(parts: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """All parts under their names, two of which may be the same: validation refuses that, and says so."""
    import pandas as pd

    if not parts:
        return pd.DataFrame({name: [] for name in names}, columns=list(dict.fromkeys(names)))
    whole = stacked_frames(parts)
    whole.columns = pd.Index(names)
    return whole


def _typed(values: pd.Series, kind: ColumnType | None, zone: str) -> pd.Series:
    """A column of its declared kind where every value is of it, else the values as they are."""
    if kind is None:
        return values
    typed, faulty = convert(values, kind, zone)
    return values if faulty.any() else typed
