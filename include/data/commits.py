"""Commits to a table: a writer that loses the race for the next version writes again, or says what stands."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from deltalake.exceptions import CommitFailedError, DeltaError

from include.errors import PermanentError, TransientError

ATTEMPTS = 12
Result = TypeVar("Result")


def repeat(uri: str, write: Callable[[], Result]) -> Result:
    """Repeat a write that lost the race for the next version number; the loser has written nothing visible."""
    for attempt in range(ATTEMPTS):
        try:
            return write()
        except CommitFailedError as error:
            if attempt == ATTEMPTS - 1:
                raise TransientError(
                    f"table {uri}: other writers were first in each of {ATTEMPTS} attempts ({error}); "
                    "nothing was changed, the task's retry writes it again"
                ) from error
            time.sleep(random.uniform(0.05, 0.2) * (attempt + 1))  # noqa: S311 - spreads retries, no secret
        except DeltaError as error:
            raise PermanentError(
                f"table {uri}: the rows do not fit the table ({error}); nothing was changed. Compare their columns "
                "with data.columns"
            ) from error
        except OSError as error:
            raise TransientError(
                f"table {uri}: the storage failed ({error}); the task's retry writes it again"
            ) from error
    raise AssertionError("unreachable")
