"""Real SQLite files and the real embedded PostgreSQL."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from include.authoring.reading import read_query
from include.config.schema import ModelConfig
from include.data import connections, tables
from include.data.sources import read_source
from include.errors import ConfigError, PermanentError, TransientError
from include.local import postgres
from include.local.runtime import socket_dir
from include.local.settings import LocalSettings, Secrets
from include.validation.ingest import ingest
from include.validation.runner import validate

DAY, NEXT = date(2024, 3, 1), date(2024, 3, 2)
NASTY = "'; drop table sales; --"
PASSWORD = "s3cret:p@ss/word"
ROWS = [
    ("2024-02-29", "early", 1, 1.5, 0),
    ("2024-03-01", NASTY, 2, 2.5, 1),
    ("2024-03-01", "007", None, None, 0),
    ("2024-03-02", ":start", 2**53 + 1, 3.5, 0),
    ("2024-03-03", "late", 5, 5.5, 1),
]
DATED = "select sold_on, shop, units, price, returned from sales where sold_on >= :start and sold_on < :next_day"
Sales = Callable[..., ModelConfig]


@pytest.fixture(autouse=True)
def outside_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator that another test of this process imported has had connections looked up in Airflow since."""
    monkeypatch.setattr(connections, "_look_up", None)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop?#1.db"
    with sqlite3.connect(path) as database:
        database.execute("create table sales (sold_on text, shop text, units integer, price real, returned integer)")
        database.executemany("insert into sales values (?, ?, ?, ?, ?)", ROWS)
    database.close()
    return path


def asked(sales: Sales, query: str = DATED, **place: Any) -> ModelConfig:
    return sales({"kind": "sql", "query": query, **place}, day="sold_on")


@pytest.fixture
def in_sqlite(shop: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", f'{{"conn_type": "sqlite", "host": "{shop}"}}')
    return {"connection": "shop"}


def test_days_are_bound_and_values_stay_what_they_are(sales: Sales, in_sqlite: dict[str, str]) -> None:
    rows = read_source(asked(sales, **in_sqlite), DAY, NEXT)
    assert rows["shop"].tolist() == [NASTY, "007", ":start"]
    assert rows["units"].isna().tolist() == [False, True, False]
    assert rows["units"].iloc[2] == 2**53 + 1  # a float would be another number
    assert len(read_source(asked(sales, **in_sqlite), DAY, DAY)) == 2
    config = asked(sales, **in_sqlite)
    assert len(validate(config, rows, [DAY, NEXT]).accepted) == 3


def test_what_stands_in_quotes_and_comments_is_text(sales: Sales, in_sqlite: dict[str, str]) -> None:
    query = f"-- from :noon on; drop it\n{DATED} and shop = ':start' and 'a%' like 'a%'"
    assert read_source(asked(sales, query, **in_sqlite), DAY, NEXT)["shop"].tolist() == [":start"]


def test_a_source_is_read_and_never_written(sales: Sales, shop: Path, in_sqlite: dict[str, str]) -> None:
    before = shop.read_bytes()
    config = asked(sales, **in_sqlite)
    sly = config.data.source.model_copy(update={"query": "delete from sales"})
    with pytest.raises(PermanentError, match="readonly"):
        read_source(config.model_copy(update={"data": config.data.model_copy(update={"source": sly})}), DAY, DAY)
    assert shop.read_bytes() == before


def test_a_database_that_is_not_there_is_not_created(sales: Sales, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"data\.source: there is no SQLite database .*none\.db"):
        read_source(asked(sales, url=f"sqlite:///{tmp_path}/none.db"), DAY, DAY)
    assert not (tmp_path / "none.db").exists()


def test_large_results_come_in_parts(sales: Sales, shop: Path, in_sqlite: dict[str, str]) -> None:
    with sqlite3.connect(shop) as database:
        many = [("2024-03-01", f"{number:05}", None if number > 25_000 else number, 1, 0) for number in range(50_000)]
        database.executemany("insert into sales values (?, ?, ?, ?, ?)", many)
    database.close()
    rows = read_source(asked(sales, **in_sqlite), DAY, DAY)
    assert len(rows) == 50_002 and rows["shop"].iloc[-1] == "49999"
    assert {name: str(kind) for name, kind in rows.dtypes.items()} | {"sold_on": ""} == {
        "sold_on": "",
        "shop": "str",
        "units": "Int64",
        "price": "float64",
        "returned": "Int64",
    }


def test_columns_of_one_name_are_refused_not_guessed(sales: Sales, in_sqlite: dict[str, str]) -> None:
    config = asked(sales, DATED.replace("units,", "units, units as price,"), **in_sqlite)
    with pytest.raises(PermanentError, match="delivered column price twice"):
        validate(config, read_source(config, DAY, DAY), [DAY])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("drop table sales", "starts with 'drop'"),
        ("select 1; drop table sales", "has another after its semicolon"),
        ("with x as (delete from sales returning *) select * from x", "'delete' does not"),
        ("select * into copy from sales", "'into' does not"),
        ("select * from sales where sold_on = :day", "nothing is bound to :day; known are :start, :end, :next_day"),
        ("select * from sales", r"must bind the days asked for; it binds none\. Write: where sold_on >= :start"),
        ("select * from sales where sold_on >= :start", "it binds :start"),
        ("-- select\n", "starts with 'nothing'"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_with_the_file(sales: Sales, query: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        asked(sales, query, url="sqlite:///x.db")
    assert "data.source.query" in str(caught.value)


def test_a_snapshots_query_may_bind_nothing(sales: Sales, in_sqlite: dict[str, str]) -> None:
    columns = {"shop": "string", "units": "integer", "price": "number", "returned": "integer"}
    source = {"kind": "sql", "query": "select * from sales", **in_sqlite}
    config = sales(source, columns=columns)
    rows = read_source(config, DAY, DAY)
    assert len(rows) == 5 and set(rows["snapshot_day"]) == {DAY}
    assert not config.data.source.looks_back


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@db/sales",
        "postgresql://me:${USER}x@db/sales",
        "postgresql://me@db/sales?password=hunter2",
        "mssql+pyodbc:///?odbc_connect=Driver%3Dx%3BPWD%3Dhunter2",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(sales: Sales, url: str) -> None:
    with pytest.raises(ConfigError, match=r"data\.source\.url: the url holds a password.*\$\{NAME\}") as caught:
        asked(sales, url=url)
    assert "hunter2" not in str(caught.value) and PASSWORD not in str(caught.value)
    with pytest.raises(ConfigError) as caught:  # the whole source is at fault, and shown
        sales({"kind": "sqll", "url": url}, day="sold_on")
    assert PASSWORD not in str(caught.value)


def test_a_variable_that_is_not_set_is_named(sales: Sales, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALES_PASSWORD", raising=False)
    with pytest.raises(PermanentError, match=r"data\.source\.url: the environment variable SALES_PASSWORD is not set"):
        read_source(asked(sales, url="postgresql://me:${SALES_PASSWORD}@db/sales"), DAY, DAY)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql+pymysql://db/sales", "needs the package pymysql.*pip install pymysql"),
        ("duckdb:///sales", "SQLAlchemy knows no database 'duckdb' here; install the package duckdb-engine"),
        ("${WHOLE}", "is no SQLAlchemy url"),
    ],
)
def test_a_driver_that_is_missing_names_its_package(
    sales: Sales, url: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHOLE", f"no address with {PASSWORD}")
    with pytest.raises(PermanentError, match=says) as caught:
        read_source(asked(sales, url=url), DAY, DAY)
    assert PASSWORD not in str(caught.value)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket's folder of a real PostgreSQL that asks the user `reader` for a password."""
    state = tmp_path_factory.mktemp("pg")
    settings = LocalSettings(state=state, ports={}, secrets=Secrets("", "", "", ""), database="embedded")
    postgres.start(settings)
    sockets = str(socket_dir(state / "postgres"))
    try:
        own = psycopg2.connect(host=sockets, user="postgres", dbname="airflow")
        own.autocommit = True
        with own.cursor() as cursor:
            cursor.execute("create role reader login password %s", (PASSWORD,))
            cursor.execute(
                "create table sales (sold_on date, sold_at timestamptz, shop text, units bigint, price numeric,"
                " returned integer)"
            )
            for day, *values in ROWS:
                cursor.execute("insert into sales values (%s, %s, %s, %s, %s, %s)", (day, f"{day}T23:30Z", *values))
            cursor.execute("create function wipe() returns integer language sql as 'delete from sales returning 1'")
            cursor.execute("grant select, delete on sales to reader")
            access = state / "postgres" / "pg_hba.conf"
            access.write_text("local all reader scram-sha-256\nlocal all postgres trust\n")
            cursor.execute("select pg_reload_conf()")
        yield sockets
        own.close()
    finally:
        postgres.stop(settings.state)


@pytest.fixture
def place(server: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("SALES_PASSWORD", PASSWORD)
    return {"url": f"postgresql+psycopg2://reader:${{SALES_PASSWORD}}@/airflow?host={server}"}


def test_postgresql_is_asked_with_typed_days(sales: Sales, place: dict[str, str]) -> None:
    rows = read_source(asked(sales, **place), DAY, NEXT)
    assert rows["shop"].tolist() == [NASTY, "007", ":start"]
    assert rows["units"].iloc[2] == 2**53 + 1 and rows["price"].tolist()[:1] == [2.5]
    config = asked(sales, **place)
    assert len(validate(config, rows, [DAY, NEXT]).accepted) == 3
    assert len(read_source(config, DAY, NEXT)) == 3, "the table is still there"


def test_a_day_is_one_of_the_models_own_clocks(sales: Sales, place: dict[str, str]) -> None:
    """A sale at 23:30 UTC is of the next day in Berlin, by the database's filter and by ours."""
    query = (
        "select sold_at, shop, units, price, returned from sales where sold_at >= :start and sold_at < :next_day "
        "order by sold_at"
    )
    columns = {"sold_at": "timestamp", "shop": "string", "units": "integer", "price": "number", "returned": "integer"}
    config = sales({"kind": "sql", "query": query, **place}, zone="Europe/Berlin", time="sold_at", columns=columns)
    rows = read_source(config, DAY, DAY)
    assert rows["shop"].tolist() == ["early"]
    assert rows["day"].tolist() == [DAY]
    assert rows["sold_at"].tolist() == [datetime(2024, 3, 1, 0, 30)]


TYPED = (
    "select uid, shop, sold_on, at, at_local, price, total, amount, doc, opens, took, pic, tags, returned from typed "
    "where sold_on between :start and :end order by shop"
)


def test_every_type_of_postgresql_is_drafted_as_what_its_rows_can_be_stored_as(
    sales: Sales, server: str, state: Path
) -> None:
    url = f"postgresql+psycopg2://postgres@/airflow?host={server}"
    own = psycopg2.connect(host=server, user="postgres", dbname="airflow")
    with own, own.cursor() as cursor:
        cursor.execute(
            "create table typed as select gen_random_uuid() as uid, 's' || i as shop, date '2024-03-01' as sold_on,"
            " timestamptz '2024-03-01 10:00+00' as at, timestamp '2024-03-01 10:00:00.5' as at_local,"
            " (i + 0.25)::numeric(8,2) as price, case when i > 1 then 100000000000000071::numeric(18,0) end as total,"
            " avg(i) over () * 1.0 as amount, '{\"b\": 1, \"a\": null}'::jsonb as doc, time '10:15' as opens,"
            " interval '1 hour' as took, '\\x00ff'::bytea as pic, array['x', null] as tags, i % 2 as returned"
            " from generate_series(1, 6) i"
        )
    own.close()
    drafted = read_query(TYPED, url, None)
    assert drafted.kinds == {
        "uid": "string",
        "shop": "string",
        "sold_on": "date",
        "at": "timestamp",
        "at_local": "timestamp",
        "price": "number",
        "total": "integer",
        "amount": "number",
        "doc": "string",
        "opens": "string",
        "took": "number",
        "tags": "string",
        "returned": "integer",
    }
    assert [note.split()[0] for note in drafted.notes] == ["pic"], "bytes that are no text"
    config = sales(
        drafted.source,
        zone="Europe/Berlin",
        day="sold_on",
        columns=drafted.kinds,
        sections={"features": {"numeric": ["price"]}},
    )
    result = ingest(config, DAY, DAY)
    assert (result.days[0].validated, result.days[0].quarantined) == (6, 0), result.failures
    stored = tables.read_arrow("sales", "validated")
    assert stored is not None
    rows = {row["shop"]: row for row in stored.to_pylist()}
    assert rows["s1"]["total"] is None and rows["s2"]["total"] == 100000000000000071
    wanted = {
        "at": datetime(2024, 3, 1, 11),
        "at_local": datetime(2024, 3, 1, 10, 0, 0, 500000),
        "price": 2.25,
        "amount": 3.5,
        "doc": '{"a":null,"b":1}',
        "opens": "10:15:00",
        "took": 3600.0,
        "tags": '["x",null]',
    }
    assert {name: rows["s2"][name] for name in wanted} == wanted


def test_postgresql_promises_that_nothing_is_written(sales: Sales, place: dict[str, str]) -> None:
    """A function that deletes looks like any other in a query."""
    query = "select wipe() as units, :start as sold_on where :start < :next_day"
    with pytest.raises(PermanentError, match="cannot execute DELETE in a read-only transaction"):
        read_source(asked(sales, query, **place), DAY, DAY)
    assert len(read_source(asked(sales, **place), DAY, DAY)) == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("from sales", "from sale", r'relation "sale" does not exist'),
        ("shop,", "shopp,", r'column "shopp" does not exist'),
    ],
)
def test_what_the_database_answers_is_told(sales: Sales, place: dict[str, str], old: str, new: str, says: str) -> None:
    with pytest.raises(PermanentError, match=says):
        read_source(asked(sales, DATED.replace(old, new), **place), DAY, DAY)


def test_a_wrong_password_is_no_reason_to_retry_and_stays_unsaid(
    sales: Sales, place: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "hunter2:p@ss"
    monkeypatch.setenv("SALES_PASSWORD", wrong)
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(PermanentError, match="password authentication failed") as caught,
    ):
        read_source(asked(sales, **place), DAY, DAY)
    assert "reader:***@" in str(caught.value) and caught.value.__suppress_context__
    assert wrong not in str(caught.value) + caplog.text


def test_a_secret_among_an_addresss_settings_stays_unsaid(
    sales: Sales, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_PASSWORD", "hunter2")
    url = f"postgresql+psycopg2://reader@/airflow?host={server}&password=${{SALES_PASSWORD}}"
    with pytest.raises(PermanentError, match="password authentication failed") as caught:
        read_source(asked(sales, url=url), DAY, DAY)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["/nowhere", "127.0.0.1"])
def test_a_server_that_is_away_is_worth_a_retry(sales: Sales, place: dict[str, str], host: str) -> None:
    url = f"postgresql+psycopg2://reader:${{SALES_PASSWORD}}@/airflow?host={host}&port=9"
    with pytest.raises(TransientError, match="A retry may help") as caught:
        read_source(asked(sales, url=url), DAY, DAY)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("form", ["uri", "json"])
def test_a_connection_is_read_from_the_environment_as_airflow_would(
    sales: Sales, server: str, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    given = {
        "uri": f"postgres://reader:s3cret%3Ap%40ss%2Fword@{server.replace('/', '%2F')}/airflow?sslmode=disable",
        "json": f'{{"conn_type": "postgres", "login": "reader", "password": "{PASSWORD}", "schema": "airflow",'
        f' "host": "{server}", "extra": {{"sslmode": "disable"}}}}',
    }
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", given[form])
    assert len(read_source(asked(sales, connection="shop"), DAY, DAY)) == 2


@pytest.mark.parametrize("text", ["", "{broken", "no uri", '{"host": "db"}'])
def test_a_connection_that_is_none_is_named(sales: Sales, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", text)
    with pytest.raises(
        PermanentError, match=r"'shop'(: outside Airflow.*AIRFLOW_CONN_SHOP|: AIRFLOW_CONN_SHOP| has no)"
    ):
        read_source(asked(sales, connection="shop"), DAY, DAY)


def test_airflow_looks_connections_up_where_it_runs(sales: Sales, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from nightshift.hooks.database import connection_parts

    uri = f"postgres://reader:s3cret%3Ap%40ss%2Fword@{server.replace('/', '%2F')}/airflow?sslmode=disable"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", uri)
    try:
        connections.use(connection_parts)
        assert len(read_source(asked(sales, connection="shop"), DAY, DAY)) == 2
        with pytest.raises(PermanentError, match=r"'market': Airflow has none of that id"):
            read_source(asked(sales, connection="market"), DAY, DAY)
    finally:
        connections.use(None)
