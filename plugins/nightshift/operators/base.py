"""What every operator shares: the model, the way to MLflow, and failures classed by what a retry would do."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include import unforeseen
from include.data import connections
from include.errors import PermanentError, TransientError
from nightshift.hooks.database import connection_parts
from nightshift.hooks.tracking import TrackingHook
from nightshift.links import MlflowLink

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.bases.operatorlink import BaseOperatorLink


CHATTY = ("great_expectations", "great_expectations.data_context.types.base", "matplotlib")
"""Loggers whose INFO lines would bury what a task has to say."""


class NightshiftOperator(BaseOperator):
    """Runs one step of one model's chain.

    A `PermanentError` fails the task at once, with its message as the last line of the log; anything else is retried.
    What nobody foresaw is said in one sentence with its place before Airflow logs the traceback, and fails with it.

    :param model: name of the model file, without `.yaml`
    """

    template_fields: Sequence[str] = ()
    operator_extra_links: Sequence[BaseOperatorLink] = (MlflowLink(),)
    ui_color = "#e8eef7"
    defaults: ClassVar[dict[str, Any]] = {
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=2),
    }

    def __init__(self, *, model: str, **kwargs: Any) -> None:
        super().__init__(**{**self.defaults, **kwargs})
        self.model = model
        self.link_urls: dict[str, str] = {}
        self.ui_url = ""

    def execute(self, context: Context) -> Any:
        for chatty in CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self.ui_url = TrackingHook().get_conn().ui_url
        connections.use(connection_parts)
        try:
            return self.run(context)
        except PermanentError as error:
            raise AirflowFailException(f"{error}\n(not retried: the same input would fail again)") from error
        except (TransientError, AirflowException):  # Airflow's own say what becomes of the task: skipped, say
            raise
        except Exception as error:
            raise AirflowException(self._unforeseen(error)) from error
        finally:
            for name, address in self.link_urls.items():
                self.log.info("%s: %s", name, address)

    def _unforeseen(self, error: Exception) -> str:
        """What a person reads first; the traceback below it is for whoever mends it."""
        found = unforeseen.explain(error)
        told = f"{found.sentence}. Place: {found.place}"
        self.log.error("%s", told)
        report = "\nTo report it: send this task's log to whoever keeps this repository" if found.ours else ""
        return f"{told}{report}\n(a retry follows while tries are left)"

    @abstractmethod
    def run(self, context: Context) -> Any:
        """Call one function of `include` and return its result as JSON."""

    def link_to_run(self, experiment_id: str, run_id: str) -> None:
        """Point the task's MLflow button at a run."""
        from include.tracking.naming import run_url

        self.link_urls[MlflowLink.name] = run_url(self.ui_url, experiment_id, run_id)
