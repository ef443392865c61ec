from datetime import UTC, date, datetime

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from include.errors import TransientError
from include.status import exporter
from include.status.model import ModelStatus
from include.status.openmetrics import FinishedRun, Snapshot, families

ORDER = ["model", "source", "dag", "state", "metric", "limit", "nightshift_verdict"]
NOW = datetime(2013, 7, 2, 6, tzinfo=UTC)
RELEASED = ModelStatus(
    model="late",
    champion_version=3,
    champion_since=datetime(2013, 7, 1, 3, tzinfo=UTC),
    champion_trained_as_of=date(2013, 7, 1),
    verdict="refused",
    verdict_version=4,
    verdict_at=datetime(2013, 7, 2, 3, tzinfo=UTC),
    last_day=date(2013, 7, 1),
    last_day_validated=900,
    last_day_quarantined=2,
    last_day_scored=899,
    last_night=date(2013, 7, 2),
    drifted_columns=1,
    compared_columns=20,
    live={"roc_auc": 0.71},
    live_limits={"roc_auc": (0.65, 0.77)},
    live_rows=6300,
)
RUN = FinishedRun("late", "retrain", 41.5, datetime(2013, 7, 2, 3, 1, tzinfo=UTC), succeeded=True)


def samples(collector: exporter.WorldCollector) -> dict[tuple[str, ...], float]:
    """Every sample of the exposition, by its name and its labels' values, the model's first, as a scraper parses it."""
    found = [one for family in text_string_to_metric_families(exporter.text(collector)) for one in family.samples]
    return {(one.name, *(one.labels[name] for name in sorted(one.labels, key=ORDER.index))): one.value for one in found}


def test_a_scraper_reads_what_the_model_is_like() -> None:
    found = samples(exporter.WorldCollector(lambda: [RELEASED], lambda: [RUN]))
    assert found["nightshift_champion_version", "late"] == 3
    assert found["nightshift_champion_since_timestamp_seconds", "late"] == RELEASED.champion_since.timestamp()
    assert found["nightshift_verdict", "late", "refused"] == 1
    assert found["nightshift_verdict", "late", "promoted"] == 0
    assert found["nightshift_last_day_rows", "late", "validated"] == 900
    assert found["nightshift_last_day_rows", "late", "quarantined"] == 2
    assert found["nightshift_last_day_rows", "late", "scored"] == 899
    assert found["nightshift_live_metric", "late", "roc_auc"] == 0.71
    assert found["nightshift_live_metric_limit", "late", "roc_auc", "low"] == 0.65
    assert found["nightshift_live_metric_limit", "late", "roc_auc", "high"] == 0.77
    assert found["nightshift_live_rows", "late"] == 6300
    assert found["nightshift_drifted_columns", "late"] == 1
    assert found["nightshift_run_seconds", "late", "retrain"] == 41.5
    assert found["nightshift_run_success", "late", "retrain"] == 1


def test_an_age_is_told_at_the_scrape_not_at_the_reading() -> None:
    snapshot = Snapshot(at=NOW, models=[RELEASED])
    [age] = [one for one in families(snapshot, NOW) if one.name == "nightshift_champion_age_seconds"]
    assert age.samples[0].value == 30 * 3600


def test_what_has_not_happened_has_no_sample_rather_than_zero() -> None:
    found = samples(exporter.WorldCollector(lambda: [ModelStatus(model="new")], list))
    assert [key for key in found if "new" in key] == [("nightshift_model_file_faulty", "new")]
    assert found["nightshift_model_file_faulty", "new"] == 0


def test_a_registry_that_is_down_keeps_what_it_said_and_is_told_of() -> None:
    answers = iter([[RELEASED], TransientError("MLflow does not answer")])

    def models() -> list[ModelStatus]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    collector = exporter.WorldCollector(models, lambda: [RUN])
    assert samples(collector)["nightshift_read_success", "models"] == 1
    collector.refresh()
    found = samples(collector)
    assert found["nightshift_read_success", "models"] == 0
    assert found["nightshift_read_success", "runs"] == 1
    assert found["nightshift_champion_version", "late"] == 3
