"""Configuration as parameters: dotted names, MLflow's limits, no column name that MLflow would refuse."""

from __future__ import annotations

from mlflow import MlflowClient

from include.config.schema import ModelConfig
from include.tracking.connection import mlflow_client
from include.tracking.params import flatten, log_batches


def test_the_shipped_model_keeps_the_yaml_files_own_paths(flight_delay: ModelConfig) -> None:
    flat = flatten(flight_delay.model_dump(mode="json"))
    assert flat["training.candidates.0.params.C"] == "0.1"
    assert flat["training.candidates.1.estimator"] == "RandomForestClassifier"
    assert flat["features.rates.2.days"] == "28"
    assert flat["features.categorical"] == '["carrier", "origin", "dest", "day_of_week"]'
    assert flat["training.select_by"] == "roc_auc"


def test_keys_that_mlflow_refuses_stay_inside_one_value() -> None:
    assert flatten({"columns": {"a:b €": "number"}}) == {"columns": '{"a:b \\u20ac": "number"}'}


def test_empty_and_missing_values_are_visible() -> None:
    assert flatten({"a": {}, "b": [], "c": None, "d": False}) == {"a": "{}", "b": "[]", "c": "null", "d": "false"}


def test_long_values_are_cut_where_mlflow_would_refuse_them() -> None:
    assert len(flatten({"a": "x" * 9000})["a"]) == 6000


def test_more_than_one_request_holds_everything(mlflow_uri: str) -> None:
    client = MlflowClient(mlflow_uri)
    run_id = client.create_run("0").info.run_id
    params = {f"p{number}": str(number) for number in range(230)}
    metrics = {f"m{number}": float(number) for number in range(620)}
    with mlflow_client("log") as ours:
        log_batches(ours, run_id, params=params, metrics=metrics, tags={"done": "x" * 9000})
    data = client.get_run(run_id).data
    assert (data.params, data.metrics) == (params, metrics)
    assert len(data.tags["done"]) == 8000
