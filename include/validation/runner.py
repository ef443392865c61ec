"""One question, answered for any number of days: which rows may be written, which are set aside, and why.

A day is refused as a whole when it has no rows, when a declared column is missing, when a rule with `refuse_day` fails
or cannot be evaluated, or when more of its rows are set aside than `max_quarantined_share` allows.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.contracts import RuleFailure
from include.errors import PermanentError
from include.validation.apply import apply_rules
from include.validation.coerce import coerce, settle
from include.validation.gx import Engine
from include.validation.inspection import Inspection, count, listed
from include.validation.page import render_page
from include.validation.quarantine import quarantine_rows
from include.validation.rules import bind_rules
from include.validation.structure import inspect

if TYPE_CHECKING:
    from include.config.schema import ModelConfig


@dataclass(frozen=True)
class ValidationOutcome:
    """What validation decided. Every row read is in `accepted`, in `quarantine`, or a good row of a refused day.

    `accepted`: rows typed as declared, in the order delivered; `quarantine`: day, row_key, rules, row (JSON of the
    original values), the day None where it cannot be read; `rows_read`: rows counted under each day asked; `html`: the
    result page.
    """

    accepted: pd.DataFrame
    quarantine: pd.DataFrame
    refused_days: Mapping[datetime.date, tuple[str, ...]]
    failures: tuple[RuleFailure, ...]
    rows_read: Mapping[datetime.date, int]
    html: str


def validate(
    config: ModelConfig,
    frame: pd.DataFrame,
    days: Sequence[datetime.date],
    unmatured: frozenset[datetime.date] = frozenset(),
) -> ValidationOutcome:
    """Judge the raw rows of the days asked for. Pure: reads and writes nothing.

    On days that are `unmatured`, a row without a label is as good as any other.

    Raises ConfigError for rules that do not exist or do not fit, PermanentError where no day is asked for.
    """
    if not days:
        raise PermanentError(f"{config.name}: no days to validate; ask for at least one day")
    rules = bind_rules(config)
    engine = Engine()
    found = inspect(config, frame, days, unmatured)
    apply_rules(found, rules, engine)
    _shares(found)
    refused = {day: tuple(found.refusals[day]) for day in found.days if day in found.refusals}
    return ValidationOutcome(
        accepted=_accepted(found),
        quarantine=quarantine_rows(found),
        refused_days=refused,
        failures=tuple(found.failures),
        rows_read={day: int(found.rows_of(day).sum()) for day in found.days},
        html=render_page(found, engine),
    )


def _shares(found: Inspection) -> None:
    """Refuse the days of which too large a share is set aside: what is left is no longer the day."""
    allowed = found.config.validation.max_quarantined_share
    aside = found.aside
    over = []
    for day in found.days:
        of_day = found.rows_of(day)
        rows, lost = int(of_day.sum()), int((of_day & aside).sum())
        if rows and lost / rows > allowed and not found.missing:
            by_rule = {rule: int((held & of_day).sum()) for rule, held in found.marks.items()}
            why = listed([f"{rule} {number:,}" for rule, number in by_rule.items() if number])
            found.refuse(
                day,
                f"{lost / rows:.1%} of its rows ({lost:,} of {rows:,}) were set aside, more than "
                f"max_quarantined_share {allowed:.1%}: {why}",
            )
            over.append(day)
    if over:
        detail = f"{count(len(over), 'day')} with more than {allowed:.1%} of the rows set aside: {listed(over)}"
        found.fail("max_quarantined_share", "refuse_day", len(over), len(found.days), detail)


def _accepted(found: Inspection) -> pd.DataFrame:
    """Good rows of the days that are not refused, with the declared columns, in the order delivered."""
    refused = np.array([day in found.refusals for day in found.day_of_row], dtype=bool)
    rows = found.typed[~found.aside & ~refused & found.is_own]
    if found.missing or rows.empty:
        rows = coerce(pd.DataFrame({name: [] for name in found.config.data.columns}, dtype=object), found.config).frame
    return settle(rows.reset_index(drop=True))
