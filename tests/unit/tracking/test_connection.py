"""Failures of MLflow, classed: a server that is down or answers 5xx is worth a retry, a refusal is not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from include.errors import PermanentError, TransientError
from include.tracking import registry, runs
from include.tracking.connection import mlflow_client


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that gives the same status to every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.end_headers()
            self.wfile.write(b"no")

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_port}")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_server_that_is_down_is_transient_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(TransientError, match=rf"(?s){address} did not let us read alias champion.*nightshift status"):
        registry.champion_version("flight_delay")


@pytest.mark.parametrize("answering", [500, 502, 503, 429], indirect=True)
def test_an_overloaded_server_is_transient(answering: str) -> None:
    with pytest.raises(TransientError, match=answering):
        runs.run_metrics("0" * 32)


@pytest.mark.parametrize("answering", [401, 403], indirect=True)
def test_a_refusal_is_permanent(answering: str) -> None:
    with pytest.raises(PermanentError, match="refused to read run"):
        runs.run_metrics("0" * 32)


def test_a_run_that_does_not_exist_is_permanent(mlflow_uri: str) -> None:
    with pytest.raises(PermanentError, match=r"0{32}"):
        runs.run_metrics("0" * 32)


def test_our_own_errors_pass_unchanged(mlflow_uri: str) -> None:
    with pytest.raises(PermanentError, match=r"^mine$"), mlflow_client("x"):
        raise PermanentError("mine")


def test_a_password_never_reaches_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://night:hunter2@127.0.0.1:9")
    with pytest.raises(TransientError) as caught:
        registry.champion_version("flight_delay")
    assert "hunter2" not in str(caught.value)
    assert "night:***@127.0.0.1:9" in str(caught.value)
