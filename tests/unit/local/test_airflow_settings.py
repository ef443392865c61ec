"""The Astro CLI's file, as it ships and with faults."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nightshift.prepare import read_settings

from include.config import environment
from include.errors import ConfigError

SHIPPED = environment.REPOSITORY / "airflow_settings.yaml"


def test_every_pool_and_connection_that_the_dags_use_is_there() -> None:
    found = read_settings(SHIPPED)
    factory = (environment.REPOSITORY / "plugins/nightshift/factory.py").read_text()
    used = set(re.findall(r'"(nightshift_\w+)"', factory))
    assert used and used == {pool.pool_name for pool in found.pools}
    assert [(entry.conn_id, entry.conn_type) for entry in found.connections] == [("mlflow", "http")]


def test_promotions_and_rollbacks_run_one_at_a_time() -> None:
    assert {pool.pool_name: pool.pool_slot for pool in read_settings(SHIPPED).pools}["nightshift_registry"] == 1


def test_all_faults_are_told_at_once_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "airflow_settings.yaml"
    file.write_text("airflow:\n  pools:\n    - {pool_name: a, pool_slots: 2}\n  conections: []\n")
    with pytest.raises(ConfigError) as caught:
        read_settings(file)
    assert len(caught.value.faults) == 3
    told = str(caught.value)
    assert "airflow.pools.0.pool_slots" in told and "airflow.pools.0.pool_slot:" in told and "conections" in told


@pytest.mark.parametrize(("text", "told"), [("airflow: [", "YAML"), ("", "")])
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=rf"(?s)settings\.yaml.*{told}"):
        read_settings(file)
    with pytest.raises(ConfigError, match=r"absent\.yaml"):
        read_settings(tmp_path / "absent.yaml")
