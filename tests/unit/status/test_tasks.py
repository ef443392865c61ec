"""What people and Prometheus are told of a model that is not binary: its own metrics, after a real night."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from rich.console import Console

from include.config.schema import ModelConfig
from include.local.printing import status_table
from include.monitoring.night import monitor_night
from include.scoring.batch import score
from include.status.model import status
from include.status.openmetrics import Snapshot, families
from tests.unit.tasks import NIGHT


@pytest.mark.parametrize(
    ("model", "first"), [("colours", "log_loss"), ("meters", "mean_absolute_error"), ("members", "roc_auc")]
)
def test_the_live_metrics_of_the_task_are_shown_and_scraped(
    of_tasks: dict[str, ModelConfig], model: str, first: str
) -> None:
    config = of_tasks[model]
    score(config, NIGHT)
    looked = monitor_night(config, NIGHT)
    found = status(config)
    assert looked is not None and found.live == {
        name: value for name, value in looked.performance.items() if not name.startswith("challenger")
    }
    assert found.live_limits[first] == pytest.approx(looked.performance_limits[first])
    console = Console(width=300)
    with console.capture() as shown:
        console.print(status_table(found))
    assert re.search(rf"^live +{first} {found.live[first]:.4f} \(", shown.get(), re.M)
    scraped = {
        sample.labels["metric"]: sample.value
        for family in families(Snapshot(at=datetime.now(UTC), models=[found]), datetime.now(UTC))
        for sample in family.samples
        if sample.name == "nightshift_live_metric"
    }
    assert scraped == found.live
