"""How the command line shows a model's status and its ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from include.config.section import METRICS_OF, Task
from include.contracts import ReleaseEvent
from include.release.reproduce import Reproduction
from include.status.model import ModelStatus


def status_table(item: ModelStatus) -> Table:
    """One model, one line a question."""
    table = Table(
        title=Text(item.model), title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    if item.file_faults:
        table.add_row("model file", Text(f"{_faults(item.file_faults)}; next: ./nightshift lint {item.model}", "red"))
    if item.champion_version is None:
        table.add_row("champion", "none yet")
    else:
        made = f"{item.champion_candidate}, trained as of {item.champion_trained_as_of}"
        table.add_row("champion", Text(f"version {item.champion_version} ({made}){_still_served(item)}"))
        table.add_row("holdout", Text(_figures(item.task, item.holdout)))
    if item.verdict:
        at = item.verdict_at.strftime("%Y-%m-%d %H:%M UTC") if item.verdict_at else "-"
        table.add_row("last verdict", f"{item.verdict} version {item.verdict_version}, {at}")
        table.add_row("", escape(item.verdict_reason or ""))
    if item.next_step:
        table.add_row("next", escape(item.next_step))
    if item.last_day:
        last = f"{item.last_day_validated:,} validated, {item.last_day_quarantined:,} set aside on {item.last_day}"
        table.add_row(
            "rows", f"{last}; {item.rows_validated:,} of {item.days} days in all, {item.rows_scored:,} scored"
        )
    for gap in item.lacking:
        table.add_row("features", Text(gap, "yellow"))
    if item.last_night:
        alarms = f"{item.drifted_columns or 0} of {item.compared_columns} columns in an alarm"
        alarms = alarms if item.compared_columns else "too few rows to draw a column by itself; see the night's report"
        table.add_row("drift", f"night {item.last_night}: {alarms}")
        rows = {"rows": float(item.live_rows)} if item.live_rows else {}
        table.add_row("live", _figures(item.task, item.live | rows, item.live_limits) or "no labels yet")
    for gap in item.unread:
        table.add_row("not read", Text(gap, "red"))
    return table


def _faults(faults: Sequence[str]) -> str:
    """The first fault, and how many more there are."""
    more = len(faults) - 1
    return faults[0] + (f" (and {more} more)" if more else "")


def _still_served(item: ModelStatus) -> str:
    if not item.file_faults:
        return ""
    since = f" since {item.champion_since:%Y-%m-%d %H:%M} UTC" if item.champion_since else ""
    return f", still served{since}; no night runs until the file is mended"


def history_table(model: str, events: Sequence[ReleaseEvent]) -> Group:
    """The ledger, oldest first: a line for each event and its reason below, which reads in eighty columns too."""
    lines: list[RenderableType] = [Text(f"Releases of {model}", style="bold")]
    for event in events:
        when = event.at.strftime("%Y-%m-%d %H:%M UTC")
        moved = f"served: {event.champion_before or '-'} → {event.champion_after or '-'}"
        lines.append(Text(f"{when}  {event.event} version {event.version}  {moved}  by {event.actor}"))
        lines.append(Padding(Text(event.reason, style="dim"), (0, 0, 0, 4)))
    return Group(*lines)


FACTS = {
    "data_hash": "rows of the window",
    "config_hash": "model file",
    "git_sha": "commit",
    "lock_hash": "lock file",
    "threads": "threads",
    "python_version": "Python",
    "blas": "linear algebra",
    "machine": "machine",
}


def reproduction_tables(found: Reproduction) -> list[Table]:
    """What the version depends on, then and now; and its metrics, then and again."""
    facts = Table(title=f"{escape(found.model)} version {found.version}: recorded and now", title_justify="left")
    metrics = Table(title="Metrics", title_justify="left")
    for table, heads in ((facts, ("", "recorded", "now", "")), (metrics, ("", "recorded", "again", ""))):
        for head in heads:
            table.add_column(head, overflow="fold")
    for fact in found.facts:
        name = FACTS.get(fact.name, fact.name.removesuffix("_version").replace("_", "-"))
        facts.add_row(name, escape(fact.recorded), escape(fact.now), _same(fact.same))
    for figure in found.metrics:
        again = "none" if figure.again is None else repr(figure.again)
        metrics.add_row(figure.name, repr(figure.recorded), again, _same(figure.same))
    return [facts, metrics]


def reproduction_verdict(found: Reproduction) -> str:
    """Whether the model that was trained again is the same one, in a sentence or two."""
    threads = f"{found.threads} thread{'' if found.threads == 1 else 's'}"
    took = f"{found.seconds:.1f} s, of which fitting {found.resources.seconds:.1f} s"
    made = f"{found.candidate} ({found.estimator}), {threads}; {took}."
    if found.identical:
        same = f"{found.golden_rows} predictions and {len(found.metrics)} metrics, to the last bit"
        return f"[green]identical[/green]: {same}. {escape(made)}"
    rows = "the same rows" if found.same_rows else "OTHER ROWS than were recorded"
    metrics = sum(not figure.same for figure in found.metrics)
    return (
        f"[red]not identical[/red], trained on {rows}: {found.golden_differing} of {found.golden_rows} predictions "
        f"differ, by {found.largest_difference:.3g} at most; {metrics} of {len(found.metrics)} metrics differ. "
        f"{escape(made)}"
    )


def _same(same: bool) -> str:
    return "same" if same else "[yellow]differs[/yellow]"


def _figures(task: Task, metrics: Mapping[str, float], limits: Mapping[str, tuple[float, float]] | None = None) -> str:
    """The task's metrics, the most read one first; how many rows they are of goes last."""
    known, names = limits or {}, METRICS_OF[task]
    ranges = {name: f" ({known[name][0]:.3f} to {known[name][1]:.3f})" for name in names if name in known}
    rows = f", on {metrics['rows']:,.0f} rows" if "rows" in metrics else ""
    told = (f"{name} {metrics[name]:.4f}{ranges.get(name, '')}" for name in names if name in metrics)
    return ", ".join(told) + rows
