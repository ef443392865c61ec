"""The instance that a command speaks to: this machine's own, or in containers the one that variables name."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from include.config import environment
from include.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from include.local.airflow_api import AirflowApi
    from include.local.settings import LocalSettings

PASSWORDS = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"


@dataclass(frozen=True)
class Instance:
    """Where the services answer. `settings` is None in containers: nothing there is started or stored by a command."""

    airflow_url: str
    mlflow_url: str
    settings: LocalSettings | None = None

    @property
    def password(self) -> str:
        """Of Airflow's one user. Raises TransientError in a container until Airflow's first start has made it."""
        if self.settings:
            return self.settings.secrets.password
        file = Path(os.environ.get(PASSWORDS, ""))
        try:
            found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TransientError(
                f"{PASSWORDS}: {str(file)!r} has no password yet ({error}). Next: {environment.start_command()}"
            ) from error
        return found[environment.USER]


def find() -> Instance:
    """The instance, with the addresses of its registry and lock set for this process where no variable says them."""
    if environment.in_containers():
        return Instance(environment.airflow_url(), environment.tracking_uri())
    from include.local.settings import load_settings

    return local(load_settings())


def local(settings: LocalSettings) -> Instance:
    """This machine's own: this process reads its registry, its lock, and hashes with its key."""
    from include.local.settings import hash_key, lock_database

    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_url
    os.environ["NIGHTSHIFT_LOCK_DATABASE"] = lock_database(settings)
    os.environ["NIGHTSHIFT_HASH_KEY"] = hash_key(settings)
    return Instance(settings.airflow_url, settings.mlflow_url, settings)


def api_of(instance: Instance) -> AirflowApi:
    """A client of the instance's Airflow, as its one user."""
    from include.local.airflow_api import AirflowApi

    return AirflowApi(instance.airflow_url, environment.USER, instance.password)


def airflow_api() -> AirflowApi:
    """A client of the Airflow of the instance that is found."""
    return api_of(find())


def refuse_in_containers(command: str) -> None:
    """Raise PermanentError where services are containers, which only Compose can start and stop."""
    if environment.in_containers():
        raise PermanentError(
            f"nightshift {command} starts and stops the services of one machine; here they are containers. "
            f"Next, on their host: docker compose {command} {'--wait' if command == 'up' else ''}".rstrip()
        )
