from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.authoring.checks import faults_of
from include.authoring.draft import draft
from include.authoring.new_model import Wanted, new_model
from include.authoring.profile import profile
from include.config.loader import load_model
from include.config.schema import ModelConfig
from tests.unit.authoring.test_yaml_text import NASTY, words


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("NIGHTSHIFT_MODELS", str(folder))
    return folder


def drafted(rows: pd.DataFrame, kinds: dict[str, Any], target: str, folder: Path, **more: Any) -> ModelConfig:
    found = profile(rows, kinds, target, **more)
    path = folder / "nasty.yaml"
    path.write_text(draft("nasty", "me", {"kind": "files", "path": "t.csv"}, found), encoding="utf-8")
    return load_model(path)


def numbers(names: list[str], rows: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({name: random.normal(size=rows) for name in names})


def nasty(seed: int) -> list[str]:
    return [text for text in dict.fromkeys([*NASTY, *words(seed)]) if text.strip()]


@pytest.mark.parametrize("seed", range(2))
def test_columns_may_have_any_name(seed: int, models: Path) -> None:
    names = nasty(seed)
    rows = numbers(names).assign(order_id=range(400), late=np.arange(400) % 2)
    kinds = {**dict.fromkeys(names, "number"), "order_id": "integer", "late": "integer"}
    config = drafted(rows, kinds, "late", models)
    assert set(config.features.numeric) == set(names)
    ruled = {rule.args["column"] for rule in config.validation.rules if "column" in rule.args}
    assert ruled <= {*names, "late"} and len(ruled) > 30


@pytest.mark.parametrize("text", [text for text in nasty(0)[::3] if len(text) < 200])
def test_a_class_and_a_label_may_be_any_text(text: str, models: Path) -> None:
    rows = numbers(["x"]).assign(order_id=range(400), **{text: ["kept", "kept", text, "kept"] * 100})
    kinds: dict[str, Any] = {"x": "number", "order_id": "integer", text: "string"}
    config = drafted(rows, kinds, text, models)
    assert config.active and config.data.label == text and config.data.classes == ("kept", text)


def test_categories_are_written_as_they_are(models: Path) -> None:
    texts = nasty(1)[:19]
    rows = numbers(["x"]).assign(order_id=range(400), late=np.arange(400) % 2, kind=(texts * 400)[:400])
    kinds: dict[str, Any] = {"x": "number", "order_id": "integer", "late": "integer", "kind": "string"}
    config = drafted(rows, kinds, "late", models)
    sets = [rule.args.get("value_set") for rule in config.validation.rules if rule.args.get("column") == "kind"]
    assert sorted(texts) in sets


def test_a_whole_draft_with_such_names_has_no_faults(tmp_path: Path) -> None:
    names = nasty(2)[:4]
    rows = numbers(names).assign(order_id=range(400), late=np.where(np.arange(400) % 3, "no", "yes\nactive: false #"))
    rows.to_parquet(tmp_path / "t.parquet")
    written, _ = new_model(Wanted("nasty", "late", str(tmp_path / "t.parquet")))
    assert faults_of([written]) == {written: []}
    config = load_model(written)
    assert config.active and set(config.features.names) == set(names)
