"""Great Expectations, kept quiet and asked for what we need: which rules fail, on which rows, and what was seen.

Nothing is stored: each `Engine` holds an ephemeral context. A rule that raises is a finding with an `error`, never
a pass; GX itself reports it among the results without raising.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

# GX reads the variable once, when imported. Its decorators log some 200 lines at INFO meanwhile, and each context one
# about a folder that it has removed again.
os.environ["GX_ANALYTICS_ENABLED"] = "False"
for _chatty in ("great_expectations._docs_decorators", "great_expectations.data_context.types.base"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

import great_expectations as gx  # noqa: E402
import numpy as np  # noqa: E402
from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: E402

from include.config.show import show  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

RULE = "nightshift.rule"
"""Key of an expectation's meta that names our rule: GX does not keep the order of a suite in its results."""


@dataclass(frozen=True)
class Finding:
    """What one expectation found. `rows` are index labels of `frame`, None where GX names no rows."""

    passed: bool
    failed: int
    checked: int
    rows: tuple[int, ...] | None
    observed: str
    examples: tuple[str, ...]
    error: str | None
    result: ExpectationValidationResult


class Engine:
    """Checks data frames in memory against expectations."""

    def __init__(self) -> None:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("rows")
        self._batches = asset.add_batch_definition_whole_dataframe("rows")

    def check(
        self, frame: pd.DataFrame, expectations: Mapping[int, Expectation], with_rows: bool = False
    ) -> dict[int, Finding]:
        """Check every expectation on the frame; findings by the number each was given under.

        `with_rows` asks for the failing rows' index labels, which costs time: ask only for rules that failed.
        """
        if not expectations:
            return {}
        numbered = [made.copy(update={"meta": {RULE: number}}) for number, made in expectations.items()]
        suite = gx.ExpectationSuite(name="rules", expectations=numbered)
        batch = self._batches.get_batch(batch_parameters={"dataframe": frame})
        checked = batch.validate(suite, result_format="COMPLETE" if with_rows else "BASIC")
        found = {_number_of(result): _finding(result) for result in checked.results}
        # A rule that GX dropped on the way would otherwise pass unseen.
        if found.keys() != expectations.keys():
            raise RuntimeError(f"Great Expectations answered rules {sorted(found)} of {sorted(expectations)}")
        return found


def _number_of(result: ExpectationValidationResult) -> int:
    config: Any = result.expectation_config
    number: int = config.meta[RULE]
    return number


def _finding(result: ExpectationValidationResult) -> Finding:
    content: dict[str, Any] = result.result or {}
    if isinstance(content.get("observed_value"), np.generic):  # GX's own pages cannot write NumPy's numbers
        content["observed_value"] = content["observed_value"].item()
    error = _error(result.exception_info)
    rows = content.get("unexpected_index_list")
    return Finding(
        passed=bool(result.success) and error is None,
        failed=int(content.get("unexpected_count", 0)),
        checked=int(content.get("element_count", 0)),
        rows=None if rows is None else tuple(int(row) for row in rows),
        observed=_observed(content.get("observed_value")),
        examples=_distinct(content.get("partial_unexpected_list") or ()),
        error=error,
        result=result,
    )


def _error(info: Mapping[str, Any] | None) -> str | None:
    """The exception's last words; GX gives one flat mapping, or one for each metric that raised."""
    parts = [info] if info and "raised_exception" in info else list((info or {}).values())
    for part in parts:
        if part.get("raised_exception"):
            # "Traceback ... TypeError: text", and what GX raised because of it after a blank line.
            first = str(part.get("exception_traceback") or "").strip().split("\n\n")[0]
            last = first.splitlines()[-1].strip() if first else ""
            return _short(last or part.get("exception_message") or "an exception without a message", 300)
    return None


def _observed(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else show(value, 80).strip("'")


def _distinct(values: Sequence[Any], most: int = 3) -> tuple[str, ...]:
    return tuple(dict.fromkeys(show(value, 80) for value in values))[:most]


def _short(value: Any, most: int = 80) -> str:
    text = str(value)
    return text if len(text) <= most else text[: most - 3] + "..."
