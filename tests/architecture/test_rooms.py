from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.config import environment

ROOT = environment.REPOSITORY
HEAVY = {"pandas", "numpy", "scipy", "sklearn", "mlflow", "great_expectations", "evidently", "deltalake", "pyarrow"}


def in_fresh_process(code: str, tmp_path: Path) -> str:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    settings = {"PYTHONPATH": paths, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_rooms_are_entered_only_by_their_doors() -> None:
    """The contracts of pyproject.toml, as `lint-imports` checks them."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_parsing_the_dag_files_imports_nothing_heavy_and_is_quick(tmp_path: Path) -> None:
    code = f"""
import sys, time
from airflow.sdk import DAG, AssetOrTimeSchedule, BaseOperator, Param
before = set(sys.modules)
sys.path.insert(0, {str(ROOT / "dags")!r})
start = time.process_time()
import model_dags
seconds = time.process_time() - start
heavy = sorted({HEAVY!r} & (set(sys.modules) - before))
assert not heavy, heavy
assert any(isinstance(value, DAG) for value in vars(model_dags).values())
print(seconds)
"""
    assert float(in_fresh_process(code, tmp_path)) < 0.3 * 5  # CPU seconds, at five times the aim


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_wires_and_never_computes(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "a DAG file says what it is for"
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert len(path.read_text().splitlines()) <= 30


def test_an_operator_fits_on_a_screen_and_is_named_as_its_file() -> None:
    files = [
        file for file in (ROOT / "plugins/nightshift/operators").glob("*.py") if file.stem not in ("__init__", "base")
    ]
    assert files
    for file in files:
        tree = ast.parse(file.read_text())
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        assert classes == ["".join(part.title() for part in file.stem.split("_"))], file
        assert len(file.read_text().splitlines()) <= 70, file


def test_airflow_scans_one_plugin_file() -> None:
    """A scanned `plugins/x/mlflow.py` would replace `import mlflow` for everyone."""
    assert "nightshift/" in (ROOT / "plugins/.airflowignore").read_text().splitlines()
    assert [file.name for file in (ROOT / "plugins").glob("*.py")] == ["nightshift_plugin.py"]


def test_no_module_of_ours_shadows_a_library() -> None:
    names = {file.stem for file in (ROOT / "plugins").rglob("*.py")}
    assert not names & {*HEAVY, "airflow", "logging", "types", "json", "typing"}


def test_the_time_is_asked_for_in_one_place() -> None:
    """A test can be of another day only where nothing asks the machine by itself."""
    asking, clocks = {"now", "utcnow", "today"}, {"datetime", "date", "Timestamp", "timezone"}
    found = set()
    for path in [*(ROOT / "include").rglob("*.py"), *(ROOT / "plugins").rglob("*.py"), *(ROOT / "dags").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in asking
                and isinstance(node.value, ast.Name | ast.Attribute)
            ):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if owner in clocks:
                    found.add(f"{path.relative_to(ROOT)}: {owner}.{node.attr}")
    assert found == {"include/clock.py: datetime.now"}
