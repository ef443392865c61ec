from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.errors import PermanentError
from include.local import services
from include.local import settings as local
from include.local.settings import LocalSettings, Secrets, component_environment, database_url, load_settings


@pytest.fixture(autouse=True)
def _plain_start(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NIGHTSHIFT_AIRFLOW_PORT", "NIGHTSHIFT_MLFLOW_PORT", "NIGHTSHIFT_DATABASE", "NIGHTSHIFT_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def made(state: Path, database: str = "sqlite") -> LocalSettings:
    secrets = Secrets(password="p", jwt="j" * 64, fernet="f", session="s")
    return LocalSettings(state=state, ports={"airflow": 18080, "mlflow": 15000}, secrets=secrets, database=database)


def test_ports_secrets_and_password_stay_from_start_to_start(state: Path) -> None:
    first = load_settings(starting=True)
    second = load_settings(starting=True)
    assert second == first
    assert len(first.secrets.jwt) >= 64
    assert json.loads((state / "run/passwords.json").read_text()) == {"admin": first.secrets.password}


def test_an_instance_of_an_older_version_gets_the_secrets_that_are_new(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NIGHTSHIFT_HASH_KEY", raising=False)
    (state / "run").mkdir()
    old = {"password": "p", "jwt": "j" * 64, "fernet": "f", "session": "s"}
    (state / "run/secrets.json").write_text(json.dumps(old))
    first, second = load_settings().secrets, load_settings().secrets
    assert (first.password, first.jwt) == ("p", "j" * 64)
    assert len(first.hashing) >= 48 and second == first
    assert component_environment(load_settings(starting=True))["NIGHTSHIFT_HASH_KEY"] == first.hashing
    monkeypatch.setenv("NIGHTSHIFT_HASH_KEY", "the team's own key")
    assert component_environment(load_settings(starting=True))["NIGHTSHIFT_HASH_KEY"] == "the team's own key"


def test_what_a_start_writes_is_its_owners_alone(state: Path) -> None:
    load_settings(starting=True)
    folders = [path for path in state.iterdir() if path.is_dir()]
    assert {path.name for path in folders} >= {"run", "logs", "airflow", "tables", "reports", "mlflow"}
    assert [path for path in folders if path.stat().st_mode & 0o077] == []
    files = list((state / "run").iterdir())
    assert files and [path for path in files if path.stat().st_mode & 0o077] == []


def test_a_taken_port_is_passed_over_and_the_choice_is_kept(
    state: Path, monkeypatch: pytest.MonkeyPatch, listener: int
) -> None:
    monkeypatch.setattr(local, "PREFERRED", {"airflow": listener, "mlflow": listener})
    chosen = load_settings(starting=True).ports
    assert listener < chosen["airflow"] < chosen["mlflow"]
    assert json.loads((state / "run/ports.json").read_text()) == chosen


def test_who_asks_while_the_services_run_is_told_their_ports(state: Path, listener: int) -> None:
    """They are taken, by the services themselves: choosing again would send everybody to a port that nobody serves."""
    (state / "run").mkdir()
    (state / "run/ports.json").write_text(json.dumps({"airflow": listener, "mlflow": listener}))
    ports = load_settings().ports
    assert (ports["airflow"], ports["mlflow"]) == (listener, listener)
    assert load_settings(starting=True).ports["airflow"] != listener


def test_a_forced_port_that_is_taken_names_its_owner(monkeypatch: pytest.MonkeyPatch, listener: int) -> None:
    monkeypatch.setenv("NIGHTSHIFT_AIRFLOW_PORT", str(listener))
    with pytest.raises(PermanentError, match=rf"NIGHTSHIFT_AIRFLOW_PORT: port {listener}.*process {os.getpid()}"):
        load_settings(starting=True)


def test_a_forced_port_is_taken_even_where_another_was_kept(monkeypatch: pytest.MonkeyPatch, listener: int) -> None:
    load_settings(starting=True)
    free = next(port for port in range(listener + 1, listener + 200) if local.is_free(port))
    monkeypatch.setenv("NIGHTSHIFT_MLFLOW_PORT", str(free))
    assert load_settings(starting=True).ports["mlflow"] == free


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1", "80.5"])
def test_a_port_that_is_none_is_refused_with_what_is_allowed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("NIGHTSHIFT_AIRFLOW_PORT", text)
    with pytest.raises(PermanentError, match=r"NIGHTSHIFT_AIRFLOW_PORT.*1 to 65535"):
        load_settings(starting=True)


@pytest.mark.parametrize("text", ["postgres", "postgresql://me@db/airflow", ""])
def test_a_database_that_cannot_be_meant_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("NIGHTSHIFT_DATABASE", text)
    with pytest.raises(PermanentError, match=r"NIGHTSHIFT_DATABASE.*embedded, sqlite.*\{name\}"):
        load_settings()


def test_airflow_and_mlflow_never_share_a_database(state: Path) -> None:
    server = "postgresql+psycopg2://me:secret@db:5432/{name}"
    for database in ("sqlite", "embedded", server):
        addresses = {database_url(made(state, database), name) for name in ("airflow", "mlflow")}
        assert len(addresses) == 2
    assert database_url(made(state, server), "mlflow") == "postgresql+psycopg2://me:secret@db:5432/mlflow"


def test_releases_wait_for_each_other_in_postgresql_wherever_there_is_one(state: Path) -> None:
    server = "postgresql+psycopg2://me:secret@db:5432/{name}"
    asked = {name: component_environment(made(state, name)) for name in ("sqlite", "embedded", server)}
    assert asked["sqlite"]["NIGHTSHIFT_LOCK_DATABASE"] == ""
    for name in ("embedded", server):
        assert asked[name]["NIGHTSHIFT_LOCK_DATABASE"] == database_url(made(state, name), "mlflow")


def test_every_address_follows_the_chosen_ports(state: Path) -> None:
    """`API__PORT` alone would leave every task calling the default port."""
    found = component_environment(made(state))
    assert found["AIRFLOW__API__PORT"] == "18080"
    assert found["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:18080"
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18080/execution/"
    assert found["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:15000"
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert not [name for name, value in found.items() if ":8080" in value or ":5000" in value]


def test_nobody_is_told_and_threads_are_set_on_purpose(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = {"DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "GX_ANALYTICS_ENABLED": "False"}
    assert quiet.items() <= component_environment(made(state)).items()
    assert component_environment(made(state))["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("NIGHTSHIFT_THREADS", "3")
    found = component_environment(made(state))
    assert found["OMP_NUM_THREADS"] == found["NIGHTSHIFT_THREADS"] == "3"


def test_the_settings_are_ones_that_airflow_knows(state: Path) -> None:
    """A renamed option would be ignored in silence. The two of the scheduler are read without being declared."""
    from airflow.configuration import conf

    undeclared = {("scheduler", "mp_start_method"), ("scheduler", "mp_forkserver_preload")}
    known = {
        (section, option)
        for section, options in conf.configuration_description.items()
        for option in options["options"]
    }
    asked = {
        tuple(name.removeprefix("AIRFLOW__").lower().split("__", 1))
        for name in component_environment(made(state))
        if name.startswith("AIRFLOW__")
    }
    assert asked - known - undeclared == set()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"airflow": "many"}', "\ud800"])
def test_a_damaged_file_of_ports_is_named_with_what_helps(state: Path, content: str) -> None:
    (state / "run").mkdir()
    file = state / "run/ports.json"
    file.write_text(content, errors="surrogatepass")
    with pytest.raises(PermanentError, match=r"ports\.json.* Next: \./nightshift down, remove it, \./nightshift up"):
        load_settings()
    services.down(print)  # what the message says
    file.unlink()
    assert set(load_settings(starting=True).ports) == {"airflow", "mlflow", "metrics"}


@pytest.mark.parametrize("content", ["", "nothing", "[1]"])
def test_damaged_secrets_are_never_made_anew_by_themselves(state: Path, content: str) -> None:
    (state / "run").mkdir()
    (state / "run/secrets.json").write_text(content)
    with pytest.raises(PermanentError, match=r"secrets\.json is damaged.* Next: put it back from a copy"):
        load_settings()
    assert (state / "run/secrets.json").read_text() == content
