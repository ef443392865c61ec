"""The endpoint over HTTP; scraped by a real Prometheus where there is one on the machine."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from include.status import exporter
from include.status.model import ModelStatus
from include.status.openmetrics import FinishedRun

PROMETHEUS = shutil.which("prometheus")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def models() -> list[ModelStatus]:
    return [ModelStatus(model="late", champion_version=7, live={"roc_auc": 0.7})]


def runs() -> list[FinishedRun]:
    return []


@pytest.fixture
def port() -> Iterator[int]:
    """Port of a served endpoint; the server has ended, and its port is free, when the test has."""
    chosen, stop = free_port(), threading.Event()
    served = threading.Thread(
        target=exporter.serve, args=(exporter.WorldCollector(models, runs), "127.0.0.1", chosen, stop)
    )
    served.start()
    try:
        yield chosen
    finally:
        stop.set()
        served.join(timeout=10)
        assert not served.is_alive()


def answered(url: str, **options: object) -> httpx.Response:
    """The first good answer within ten seconds."""
    for _ in range(100):
        try:
            answer = httpx.get(url, **options)  # type: ignore[arg-type]
            if answer.is_success:
                return answer
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def test_whoever_asks_for_openmetrics_gets_it(port: int) -> None:
    answer = answered(f"http://127.0.0.1:{port}/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"nightshift_champion_version", "nightshift_live_metric", "nightshift_verdict"} <= names


@pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus on this machine")
def test_a_real_prometheus_scrapes_it(port: int, tmp_path: Path) -> None:
    own = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\n"
        f"scrape_configs: [{{job_name: nightshift, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    command = [
        str(PROMETHEUS),
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{own}",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        assert asked(own, "up") == 1
        assert asked(own, 'nightshift_champion_version{model="late"}') == 7
        assert asked(own, 'nightshift_live_metric{model="late",metric="roc_auc"}') == 0.7
    finally:
        process.terminate()
        process.wait(timeout=20)


def asked(port: int, query: str) -> float:
    """What Prometheus answers to a query, once it has scraped."""
    for _ in range(150):
        try:
            found = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}).json()
            if found["data"]["result"]:
                return float(found["data"]["result"][0]["value"][1])
        except (httpx.TransportError, ValueError, KeyError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"Prometheus knows nothing of {query}")
