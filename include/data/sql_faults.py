"""What a database answers instead of rows, classed by what a retry would do, with no password in any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from include.config.sources import SECRETS
from include.errors import NightshiftError, PermanentError, TransientError

if TYPE_CHECKING:
    from sqlalchemy import URL

PACKAGES = {
    "pymysql": "pymysql",
    "MySQLdb": "mysqlclient",
    "pymssql": "pymssql",
    "pyodbc": "pyodbc",
    "oracledb": "oracledb",
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "asyncpg": "psycopg2-binary",
    "duckdb": "duckdb-engine",
    "duckdb_engine": "duckdb-engine",
    "snowflake": "snowflake-sqlalchemy",
    "bigquery": "sqlalchemy-bigquery",
    "trino": "trino[sqlalchemy]",
    "clickhouse": "clickhouse-sqlalchemy",
    "redshift": "sqlalchemy-redshift",
    "databricks": "databricks-sqlalchemy",
}
"""The package that brings a driver's module, or a dialect, where its name is another."""
STATES_AWAY = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that pass: connection, rollback (deadlock), resources, not in state, operator, system."""
MYSQL_AWAY = frozenset({1040, 1205, 1213, 2002, 2003, 2005, 2006, 2013, 3024})
"""MySQL's numbers for what passes: too many connections, lock waits, no server, server gone, timeout."""
WORDS_AWAY = (
    *("starting up", "shutting down", "too many", "recovery mode", "remaining connection slots", "refused"),
    *("timeout", "timed out", "could not translate host", "could not receive", "closed the connection", "unreachable"),
    *("is locked", "temporary failure", "no route to host", "connection reset", "broken pipe", "no such file"),
    *("disk i/o", "deadlock", "cannot connect", "can't connect", "unable to connect", "name or service not known"),
)


def driver_fault(error: Exception, url: URL, field: str) -> PermanentError:
    """The database's dialect or driver is not installed, or cannot take what the address says."""
    if isinstance(error, ImportError):
        module = (error.name or "").split(".")[0]
        package = PACKAGES.get(module, module) or url.drivername
        return PermanentError(
            f"{field}: {url.drivername} needs the package {package}, which is not installed; add it to "
            f"requirements.in, or install it with: pip install {package}"
        )
    from sqlalchemy.exc import NoSuchModuleError

    if isinstance(error, NoSuchModuleError):
        known = PACKAGES.get(url.drivername.split("+")[0])
        hint = f"install the package {known}" if known else "correct it, or install the package that brings it"
        return PermanentError(
            f"{field}: SQLAlchemy knows no database {url.drivername!r} here; {hint}. Without a package of their own: "
            "postgresql+psycopg2, sqlite"
        )
    return PermanentError(f"{field}: {_first_line(error, url)}; correct the address")


def classed(error: Exception, url: URL, field: str) -> NightshiftError:
    """The error to raise for what the driver raised; the address is shown without its password."""
    said = _first_line(error, url)
    # Without its settings, which may hold a secret too.
    where = f"{field}: {url.set(query={}).render_as_string(hide_password=True)} answers: {said}"
    if _passes(getattr(error, "orig", None) or error, error):
        return TransientError(f"{where}. A retry may help")
    return PermanentError(f"{where}. Correct the query or the address, or ask for the right to read")


def _passes(cause: BaseException, error: Exception) -> bool:
    """Whether the same question may be answered later, by the database's own codes where it gives them."""
    state = getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None)
    if isinstance(state, str) and state:
        return state.startswith(STATES_AWAY)
    number = cause.args[0] if cause.args else None
    if isinstance(number, int):
        return number in MYSQL_AWAY
    words = str(cause).lower()
    named = type(error).__name__ in ("OperationalError", "InterfaceError", "TimeoutError", "DBAPIError")
    return named and any(word in words for word in WORDS_AWAY)


def _first_line(error: Exception, url: URL) -> str:
    text = str(getattr(error, "orig", None) or error).strip()
    line = text.splitlines()[0].strip() if text else type(error).__name__
    secrets = [str(url.password)] if url.password else []
    secrets += [str(value) for name, value in url.query.items() if name.lower() in SECRETS]
    for secret in secrets:
        for hidden in {secret, quote(secret), quote_plus(secret), quote(secret, safe="")}:
            line = line.replace(hidden, "***")
    return line
