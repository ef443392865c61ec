"""Addresses of databases: a url with environment variables in it, or an Airflow connection by its id.

Nothing here imports Airflow: its tasks say how a connection is looked up (`use`), and without Airflow the variable
`AIRFLOW_CONN_<ID>` is read, in both forms that Airflow knows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from include.config.sources import VARIABLES
from include.errors import PermanentError

if TYPE_CHECKING:
    from sqlalchemy import URL

Parts = Mapping[str, Any]
"""Of a connection: conn_type, host, login, password, schema, port and extra (a mapping)."""

DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "redshift": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mssql": "mssql+pymssql",
    "oracle": "oracle+oracledb",
}
"""SQLAlchemy's dialect and driver for Airflow's types of connection; any other type is taken for a dialect's name."""
AIRFLOWS_OWN = frozenset(
    {"sqlalchemy_scheme", "sqlalchemy_query", "cursor", "iam", "redshift", "aws_conn_id", "cluster-identifier"}
)
"""Extras that speak to Airflow's hooks and not to the database's driver."""
_look_up: Callable[[str], Parts] | None = None


def use(look_up: Callable[[str], Parts] | None) -> None:
    """Say how a connection is looked up by its id in this process; None: in the environment alone."""
    global _look_up
    _look_up = look_up


def of_url(url: str, field: str) -> URL:
    """The address that a url with `${NAME}` stands for; values within user and password may hold any character.

    Raises PermanentError where a variable is not set or the result is no address; no message repeats a value.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    unset = [name for name in VARIABLES.findall(url) if name not in os.environ]
    if unset:
        raise PermanentError(
            f"{field}: the environment variable {', '.join(unset)} is not set; set it for every process that runs tasks"
        )
    user = re.match(r"[^/]*://([^@]*)@", url)
    start, end = user.span(1) if user else (0, 0)
    filled = VARIABLES.sub(
        lambda found: (
            quote(os.environ[found[1]], safe="") if start <= found.start() < end else os.environ[found[1]].strip()
        ),
        url,
    )
    try:
        return make_url(filled)
    except (ArgumentError, ValueError):
        raise PermanentError(
            f"{field}: {url!r} with its variables filled in is no SQLAlchemy url, such as "
            "postgresql+psycopg2://reader:${SALES_PASSWORD}@host:5432/sales"
        ) from None


def of_connection(conn_id: str, field: str) -> URL:
    """The address of an Airflow connection. Raises PermanentError where there is none of that id, or it is unusable."""
    parts = (_look_up or _from_environment)(conn_id)
    return _url(parts, f"{field}: connection {conn_id!r}")


def _from_environment(conn_id: str) -> Parts:
    variable = f"AIRFLOW_CONN_{conn_id.upper()}"
    text = os.environ.get(variable, "").strip()
    if not text:
        raise PermanentError(
            f"connection {conn_id!r}: outside Airflow it is read from the environment variable {variable}, which "
            f"is not set; set it, such as {variable}=postgres://reader:password@host:5432/sales"
        )
    try:
        return _of_json(json.loads(text)) if text.startswith("{") else _of_uri(text)
    except (ValueError, TypeError, AttributeError):
        raise PermanentError(
            f"connection {conn_id!r}: {variable} is neither a URI, such as postgres://reader:password@host:5432/sales, "
            'nor JSON, such as {"conn_type": "postgres", "host": ...}'
        ) from None


def _of_json(found: dict[str, Any]) -> Parts:
    extra = found.get("extra") or {}
    return {**found, "extra": json.loads(extra) if isinstance(extra, str) else dict(extra)}


def _of_uri(text: str) -> Parts:
    """Airflow's URI: every part percent-encoded, extras in the query, or as JSON in its `__extra__`."""
    split = urlsplit(text)
    if not split.scheme:
        raise ValueError(text)
    extra = dict(parse_qsl(split.query, keep_blank_values=True))
    return {
        "conn_type": split.scheme,
        "host": unquote(split.hostname or ""),
        "login": unquote(split.username) if split.username is not None else None,
        "password": unquote(split.password) if split.password is not None else None,
        "schema": unquote(split.path.removeprefix("/")),
        "port": split.port,
        "extra": json.loads(extra["__extra__"]) if "__extra__" in extra else extra,
    }


def _url(parts: Parts, where: str) -> URL:
    from sqlalchemy import URL

    kind, extra = str(parts.get("conn_type") or "").replace("-", "_"), dict(parts.get("extra") or {})
    if not kind:
        raise PermanentError(f"{where} has no type; set its conn_type, such as postgres")
    if str(extra.get("iam", "")).lower() == "true":
        raise PermanentError(f"{where} asks for IAM sign-in, which needs AWS's own client; give login and password")
    settings = extra.get("sqlalchemy_query") or {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in extra.items()
        if name not in AIRFLOWS_OWN and not isinstance(value, dict | list) and not name.startswith("__")
    }
    if kind == "sqlite":  # Airflow keeps the file's path in the host
        path = str(parts.get("host") or "") or f"/{parts.get('schema') or ''}"
        return URL.create("sqlite", database=path, query=settings)
    return URL.create(
        extra.get("sqlalchemy_scheme") or DRIVERS.get(kind, kind),
        username=parts.get("login") or None,
        password=parts.get("password") or None,
        host=parts.get("host") or None,
        port=int(parts["port"]) if parts.get("port") else None,
        database=parts.get("schema") or None,
        query=settings,
    )
