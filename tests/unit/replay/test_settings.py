from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from include.errors import ConfigError
from include.replay import plan as planned
from include.replay.command import _request
from include.replay.settings import configured

MODEL = "flight_delay"


def test_values_are_typed_by_the_schema_and_lists_are_reached_by_place() -> None:
    config = configured(
        MODEL,
        [
            "release.against_champion.alpha=null",
            "release.against_champion.alpha_per_year=0.2",
            "training.candidates.1.params.n_estimators=7",
            "monitoring.expected_to_move=[temp]",
        ],
    )
    assert config.release.against_champion.alpha_per_year == 0.2
    assert config.training.candidates[1].params["n_estimators"] == 7
    assert config.monitoring.expected_to_move == ("temp",)


def test_all_faults_are_told_at_once_with_what_may_have_been_meant() -> None:
    with pytest.raises(ConfigError) as error:
        configured(
            MODEL,
            [
                "release.alpha=0.05",
                "training.seed=often",
                "training.candidates.9.name=x",
                "release.approval",
                "name.first=x",
            ],
        )
    faults = error.value.faults
    assert len(faults) == 5
    told = "\n".join(faults)
    assert "release.alpha: unknown key" in told and "did you mean release.against_champion.alpha?" in told
    assert "training.seed" in told and "received 'often'" in told
    assert "training.candidates is a list of 3" in told
    assert "'release.approval': write it as path=value" in told
    assert "name is a value, not a section" in told


def test_what_scikit_learn_would_refuse_is_found_before_a_night_is_trained() -> None:
    with pytest.raises(ConfigError, match="max_itter"):
        configured(MODEL, ["training.candidates.2.params.max_itter=10"])


def test_releases_from_the_shadow_are_refused_rather_than_replayed_as_others() -> None:
    with pytest.raises(ConfigError, match=r"release\.evidence: received shadow"):
        configured(MODEL, ["release.evidence=shadow"])


def test_other_tasks_are_refused_rather_than_replayed_as_binary_ones(tmp_path: Path) -> None:
    policy = tmp_path / "values.yaml"
    policy.write_text(
        "task: regression\n"
        "data: {label: distance}\n"
        "features: {numeric: [hour], categorical: [], rates: []}\n"
        "training: {select_by: r2, candidates: [{name: ridge, estimator: Ridge}]}\n"
        "release: {thresholds: [], slices: [], against_champion: {metric: r2}}\n"
        "monitoring: {retrain_request: null, expected_to_move: []}\n"
    )
    with pytest.raises(ConfigError, match="task: received regression; a replay decides about binary models of days"):
        configured(MODEL, policy=policy)


def test_a_policy_is_put_over_the_model_file_section_by_section(tmp_path: Path) -> None:
    policy = tmp_path / "eager.yaml"
    policy.write_text("release:\n  stale_champion: {after_days: 7}\n")
    base, eager = configured(MODEL), configured(MODEL, policy=policy)
    assert eager.release.stale_champion is not None and base.release.stale_champion is not None
    assert eager.release.stale_champion.after_days == 7
    assert eager.release.stale_champion.margin == base.release.stale_champion.margin
    assert eager.training == base.training and planned.nights_folder(eager) == planned.nights_folder(base)


def test_a_fault_of_a_policy_names_its_file(tmp_path: Path) -> None:
    policy = tmp_path / "eager.yaml"
    policy.write_text("release:\n  approvall: always\n")
    with pytest.raises(ConfigError, match=r"eager\.yaml.*\n.*release\.approvall: unknown key.*'approval'"):
        configured(MODEL, policy=policy)


def test_two_policies_are_compared_on_the_same_nights(tmp_path: Path) -> None:
    for name, days in (("today", 30), ("bolder", 7)):
        (tmp_path / f"{name}.yaml").write_text(f"release: {{stale_champion: {{after_days: {days}}}}}\n")
    files = tmp_path / "today.yaml", tmp_path / "bolder.yaml"
    found = _request(MODEL, (date(2013, 4, 1), date(2013, 4, 9)), ["release.resamples=300"], files, "auto", 0).plans
    stale = {name: plan.config.release.stale_champion for name, plan in found.items()}
    assert {name: one.after_days for name, one in stale.items() if one} == {"today": 30, "bolder": 7}
    assert {plan.config.release.resamples for plan in found.values()} == {300}
    assert {len(plan.nights) for plan in found.values()} == {9}


def test_trained_nights_are_shared_unless_what_trains_them_changes() -> None:
    base = configured(MODEL)
    assert planned.nights_folder(configured(MODEL, ["release.resamples=300"])) == planned.nights_folder(base)
    assert planned.nights_folder(configured(MODEL, ["training.seed=1"])) != planned.nights_folder(base)
    assert planned.rows_folder(configured(MODEL, ["validation.max_quarantined_share=0.1"])) != planned.rows_folder(base)
