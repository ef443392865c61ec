"""Promotions that are killed and raced, on the real PostgreSQL and MLflow: the benchmark's short form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import registry
from benchmarks.promotions import run
from benchmarks.registry import Registry

KILLS, RACES = 8, 3


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry.started(tmp_path_factory.mktemp("registry")) as started:
        yield started


def test_one_champion_and_a_true_ledger_whatever_is_killed_when(services: Registry) -> None:
    tally = run(services, KILLS, RACES, seed=1)
    assert tally.faults == []
    assert tally.between("promote") >= KILLS and tally.between("rollback") >= KILLS // 5
    assert sum(tally.mended.values()) >= KILLS
    assert tally.races["two promotions: promoted and refused"] == RACES
    assert tally.overlapping > 0, "no two were under way at once: nothing was raced"
    assert tally.looks > 50
