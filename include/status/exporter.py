"""Serve the metrics to Prometheus: read the world every now and then, and answer a scrape from what was read last.

A scrape never waits for tables or the registry, and one of them that is down takes no sample away: `read_success`
tells, and the older samples stay.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from include import clock
from include.status.model import ModelStatus
from include.status.openmetrics import FinishedRun, Snapshot, families

log = logging.getLogger(__name__)

REFRESH_SECONDS = 30.0


class WorldCollector(Collector):
    """Families of the last reading; `refresh` reads again."""

    def __init__(self, models: Callable[[], Sequence[ModelStatus]], runs: Callable[[], Sequence[FinishedRun]]) -> None:
        self._sources: dict[str, Callable[[], Sequence[Any]]] = {"models": models, "runs": runs}
        self._last: Snapshot | None = None

    def refresh(self) -> Snapshot:
        """Read every source; of one that fails, whatever the reason, what it said before is kept."""
        found: dict[str, Sequence[Any]] = {}
        failed = []
        for name, read in self._sources.items():
            try:
                found[name] = read()
            except Exception as error:
                log.warning("%s could not be read: %s", name, error)
                failed.append(name)
        before = self._last or Snapshot(clock.now())
        self._last = replace(before, at=clock.now(), failed=tuple(failed), **found)
        return self._last

    def collect(self) -> Iterator[Metric]:
        yield from families(self._last or self.refresh(), clock.now())


def text(collector: WorldCollector) -> str:
    """The exposition as OpenMetrics, as a scrape that asks for it gets it."""
    return str(generate_latest(_registry(collector)).decode())


def serve(collector: WorldCollector, host: str, port: int, stop: threading.Event) -> None:
    """Answer `GET /metrics`, in OpenMetrics to whoever asks for it, until `stop`; reads every REFRESH_SECONDS."""
    server, thread = start_http_server(port, host, _registry(collector))
    try:
        while True:
            collector.refresh()
            if stop.wait(REFRESH_SECONDS):
                return
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry(collector: WorldCollector) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return registry
