"""A web server that takes what apprise sends, as a webhook would."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

import pytest

SECRET = "s3cr3t-t0ken"


class Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """As TCPServer's: HTTPServer's looks its own name up, which takes seconds where there is no network."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class Hook:
    """A webhook: what it was sent, and the HTTP status that it answers with. Its path is its secret."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.status == 200:
                    hook.received.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/{SECRET}"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.received]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook(state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """The one target beside the file."""
    made = Hook()
    monkeypatch.setenv("NIGHTSHIFT_ALERTS", made.url)
    yield made
    made.close()


@pytest.fixture
def other(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """A second one, tagged `ops`."""
    made = Hook()
    monkeypatch.setenv("NIGHTSHIFT_ALERTS", f"{hook.url}, ops={made.url}")
    yield made
    made.close()
