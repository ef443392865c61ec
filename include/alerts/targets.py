"""Who is told: the file that is always there, and the addresses of `NIGHTSHIFT_ALERTS`, which apprise speaks to.

An address holds a secret (a token, a password, a webhook's path). It is never printed: targets are named by their
service and place, faults by their place alone, and apprise, which logs addresses, has nobody to hear it here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include import clock
from include.alerts.message import Message
from include.config import environment

if TYPE_CHECKING:
    import apprise

FILE = "file"
SECONDS = 20.0
"""After which a target that does not answer has failed."""
ENTRY = re.compile(r"[\s,]+(?=(?:[a-z][a-z0-9_]*=)?[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
"""Between two addresses; a comma inside an address separates nothing."""
TAGGED = re.compile(r"(?:(?P<tag>[a-z][a-z0-9_]*)=)?(?P<url>[a-z][a-z0-9+.-]*://.+)", re.IGNORECASE | re.DOTALL)
HTTP_STATUS = re.compile(r"error=(\d{3})\b")
UNREACHABLE = "cannot be reached"
NOT_SHOWN = "not shown, as it may hold a secret"


@dataclass(frozen=True)
class Target:
    """Somebody to tell. `id` is the same from night to night, `send` returns why it failed, empty where it did not."""

    id: str
    name: str
    send: Callable[[Message], str]
    tags: frozenset[str] = frozenset()


def file_path() -> Path:
    """The file that every alarm is appended to, a line of JSON each."""
    return environment.state_dir() / "alerts.jsonl"


def load() -> tuple[list[Target], list[str]]:
    """Every target, the file first; and a sentence for each part of `NIGHTSHIFT_ALERTS` that cannot be used."""
    targets = [Target(FILE, f"file {file_path()}", _append)]
    faults: list[str] = []
    given = environment.alert_targets()
    if given:
        instances, faults = _from_list(given) if "://" in given else _from_file(given)
        targets += [_target(instance, place) for place, instance in instances]
    return targets, faults


def chosen(targets: Sequence[Target], tags: Collection[str]) -> list[Target]:
    """The targets of a model that names these tags; without tags all of them. The file always."""
    return [target for target in targets if target.id == FILE or not tags or target.tags & set(tags)]


def _from_list(given: str) -> tuple[list[tuple[int, apprise.NotifyBase]], list[str]]:
    found, faults = [], []
    entries = [entry for entry in ENTRY.split(given) if entry]
    with _unheard():
        import apprise

        for place, entry in enumerate(entries, start=1):
            match = TAGGED.fullmatch(entry.strip(" ,"))
            tag = match["tag"] if match else None
            instance = apprise.Apprise.instantiate(match["url"], asset=_asset(), tag=tag) if match else None
            if instance is None:
                faults.append(
                    f"NIGHTSHIFT_ALERTS: entry {place} of {len(entries)} is no address that apprise knows "
                    f"({NOT_SHOWN}); write it as in https://appriseit.com/services, with a tag as ops=slack://..."
                )
            else:
                found.append((place, instance))
    return found, faults


def _from_file(given: str) -> tuple[list[tuple[int, apprise.NotifyBase]], list[str]]:
    path = environment.REPOSITORY / Path(given).expanduser()
    if not path.is_file():
        # A path that does not exist may be an address that lacks its ://, so it is not shown either.
        return [], [f"NIGHTSHIFT_ALERTS: neither an address nor a file that exists ({NOT_SHOWN})"]
    with _unheard() as said:
        import apprise

        config = apprise.AppriseConfig(asset=_asset())
        config.add(str(path))
        found = list(enumerate(config.services(), start=1))
        complaints = said.complaints
    faults = [f"NIGHTSHIFT_ALERTS: {path} names no target that apprise can use"] if not found else []
    if found and complaints:
        faults = [
            f"NIGHTSHIFT_ALERTS: {path}: {len(found)} targets can be used, but apprise complained {complaints} times "
            f"({NOT_SHOWN}). Next: apprise --dry-run -vv --config {path}"
        ]
    return found, faults


def _asset() -> apprise.AppriseAsset:
    import apprise

    return apprise.AppriseAsset(
        app_id="Nightshift",
        app_desc="Nightly model retraining",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        service_timeout=SECONDS,
        allow_templates=False,
    )


def _target(instance: apprise.NotifyBase, place: int) -> Target:
    tags = frozenset(str(tag) for tag in instance.tags)
    named = f" ({', '.join(sorted(tags))})" if tags else ""
    digest = hashlib.sha256(str(instance.url(privacy=False)).encode()).hexdigest()[:12]
    return Target(digest, f"{instance.service_name} {place}{named}", lambda message: _send(instance, message), tags)


def _send(instance: apprise.NotifyBase, message: Message) -> str:
    with _unheard():
        import apprise

        kinds = {
            "critical": apprise.NotifyType.FAILURE,
            "warning": apprise.NotifyType.WARNING,
            "info": apprise.NotifyType.INFO,
            "recovered": apprise.NotifyType.SUCCESS,
        }
        sender = apprise.Apprise(asset=_asset())
        sender.add(instance)
        try:
            result = sender.notify(
                title=message.title,
                body=message.body,
                notify_type=kinds[message.kind],
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # whatever a service's plugin raises; its words may hold the address
            return f"its plugin raised {type(error).__name__}"
    return _why(result)


def _why(result: Any) -> str:
    """Why a message did not arrive, without what apprise says of the address."""
    status = result.status.name
    if status == "SUCCESS":
        return ""
    if status == "TIMEOUT":
        return f"no answer within {SECONDS:.0f} s"
    said = " ".join(str(line) for service in result for attempt in service for line in attempt.logs)
    if found := HTTP_STATUS.search(said):
        return f"answered with HTTP status {found[1]}"
    return UNREACHABLE if UNREACHABLE in said else "did not take it"


def _append(message: Message) -> str:
    """One write of whole lines, which the operating system keeps apart from other processes' lines."""
    path, now = file_path(), clock.now().isoformat(timespec="seconds")
    lines = "".join(json.dumps({"at": now, **record}) + "\n" for record in message.records)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, lines.encode())
        finally:
            os.close(handle)
    except OSError as error:
        return f"{error.strerror}"
    return ""


class _Muffled(logging.Filter):
    """Takes the words out of what apprise logs, which quotes addresses, but for those that say why a sending failed."""

    def __init__(self) -> None:
        super().__init__()
        self.complaints = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return False
        self.complaints += 1
        text = record.getMessage()
        status = HTTP_STATUS.search(text)
        record.msg = status[0] if status else UNREACHABLE if "onnection error" in text else NOT_SHOWN
        record.args, record.exc_info = (), None
        return True


MUFFLED = _Muffled()


@contextmanager
def _unheard() -> Iterator[_Muffled]:
    """Let nobody hear what apprise, and urllib3 below it, log. Yields what counts apprise's complaints, from 0 on."""
    ours = logging.getLogger("apprise")
    ours.addFilter(MUFFLED)  # for good: a service that is too late still speaks once this has been left
    ours.propagate = False
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())
    MUFFLED.complaints = 0
    pool = logging.getLogger("urllib3.connectionpool")
    before, pool.disabled = pool.disabled, True
    try:
        yield MUFFLED
    finally:
        pool.disabled = before
