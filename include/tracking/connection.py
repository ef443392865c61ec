"""The one way to MLflow: a client without fluent state, short retries, failures classed by what a retry would do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import urlsplit

from include.config import environment
from include.errors import NightshiftError, PermanentError, TransientError

DEFAULTS = {
    # MLflow's own defaults wait four minutes for a server that is down; the task's retries come sooner and are visible.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
for _name, _value in DEFAULTS.items():
    os.environ.setdefault(_name, _value)  # before the import: MLflow reads telemetry's switch only then

import requests  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500


@contextmanager
def mlflow_client(doing: str) -> Iterator[MlflowClient]:
    """A client of MLFLOW_TRACKING_URI; what goes wrong inside becomes one of our errors.

    :param doing: what is attempted, as a verb phrase ("open the run"), for the message
    :raises TransientError: MLflow cannot be reached, is overloaded or answers 5xx
    :raises PermanentError: MLflow refuses what it was asked
    """
    uri = environment.tracking_uri()
    os.environ.setdefault("MLFLOW_TRACKING_URI", uri)  # what resolves `models:/` addresses asks there
    try:
        yield _client(uri)
    except NightshiftError:
        raise
    except MlflowException as error:
        raise _classed(doing, uri, str(error), error.get_http_status_code()) from error
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else SERVER_ERROR
        raise _classed(doing, uri, str(error), status) from error
    except (requests.RequestException, ConnectionError, TimeoutError) as error:
        raise _classed(doing, uri, str(error), SERVER_ERROR) from error


@lru_cache(maxsize=4)
def _client(uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _classed(doing: str, uri: str, message: str, status: int) -> NightshiftError:
    if status >= SERVER_ERROR or status == TOO_MANY_REQUESTS:
        told = (
            f"MLflow at {uri} did not let us {doing}: {message}\n"
            f"Next: ./nightshift status shows whether it is up; {environment.start_command()} starts it. "
            "A retry helps once it answers."
        )
        return TransientError(_without_password(told, uri))
    told = (
        f"MLflow at {uri} refused to {doing}: {message}\n"
        "A retry asks the same and gets the same answer. Next: ./nightshift status"
    )
    return PermanentError(_without_password(told, uri))


def _without_password(text: str, uri: str) -> str:
    """The text as a log may show it: MLflow's own messages repeat the address whole."""
    password = urlsplit(uri).password
    return text.replace(f":{password}@", ":***@") if password else text
