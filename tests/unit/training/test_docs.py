"""What docs/training.md says of estimators and metrics is what the code has."""

from __future__ import annotations

import re

from include.config import environment
from include.config.estimators import ESTIMATORS
from include.config.schema import ModelConfig
from include.config.section import METRICS_OF

TEXT = (environment.REPOSITORY / "docs" / "training.md").read_text(encoding="utf-8")


def test_every_estimator_is_listed_as_it_is() -> None:
    table = TEXT.split("<!-- estimators -->\n")[1].split("<!-- end -->")[0]
    wanted = [
        f"| `{name}` | {', '.join(spec.tasks)} | {spec.columns} | {'yes' if spec.weights else '-'} | "
        f"{'yes' if spec.quantile is not None else '-'} |"
        for name, spec in sorted(ESTIMATORS.items())
    ]
    assert table.splitlines() == wanted


def test_every_metric_is_listed_with_its_task_the_usual_one_first() -> None:
    for task, names in METRICS_OF.items():
        (row,) = re.findall(rf"^\| `{task}` \|.*$", TEXT, flags=re.MULTILINE)
        told = re.findall(r"`(\w+)`", row.split("|")[4])
        assert told == [name for name in names if name != "mean_pinball_loss"]


def test_the_example_of_a_search_is_one(flight_delay: ModelConfig) -> None:
    import yaml

    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    content = flight_delay.model_dump(mode="json")
    content["training"]["candidates"] = yaml.safe_load(example)["training"]["candidates"]
    (candidate,) = ModelConfig.model_validate(content).training.candidates
    assert candidate.search is not None and candidate.search.params["max_leaf_nodes"].low == 4  # type: ignore[union-attr]
