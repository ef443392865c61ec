"""Names and values of the data stay text wherever they are written: terminal, Markdown, pictures, pages, metrics."""

from __future__ import annotations

import html
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from rich.console import Console

from include.authoring import command
from include.authoring.tryout import Step, Tried
from include.config.schema import ModelConfig
from include.contracts import Alarm, GateDecision, GateResult, PolicyDecision, ReleaseEvent
from include.drawing import Figure
from include.drift.evidently_pages import markdown as notes
from include.local.printing import history_table, status_table
from include.markdown import as_text
from include.monitoring.policy_page import page as policy_page
from include.release import report
from include.status.exporter import WorldCollector, text
from include.status.model import ModelStatus

COLUMN, CLASS = "a<b>|[red]", 'x"\n<script>alert(1)</script>[/]'
FORMULA = r"$\nothing$ & `x` _y_ | [z](http://w)"
SAID = f"{COLUMN} = {CLASS} {FORMULA}"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def printed(*things: object) -> str:
    console = Console(width=500, file=io.StringIO(), color_system=None)
    for thing in things:
        console.print(thing)
    return console.file.getvalue()  # type: ignore[attr-defined]


def decision() -> GateDecision:
    gates = (
        GateResult(name=f"slice:{COLUMN}", passed=False, value=1.0, bound=0.0, sentence=SAID),
        GateResult(name="holdout_rows", passed=True, value=1.0, bound=0.0, sentence=SAID),
    )
    return GateDecision(
        model="m", version=2, champion_version=1, verdict="refuse", first_release=False, gates=gates, reasons=(SAID,),
        ask_person=(SAID,),
    )  # fmt: skip


def test_the_terminal_shows_them_as_they_are() -> None:
    item = ModelStatus(
        model="[red]m[/]",
        champion_version=3,
        champion_candidate="[/]",
        verdict="refused",
        verdict_reason=SAID,
        next_step=SAID,
        file_faults=(SAID,),
        unread=(SAID,),
    )
    event = ReleaseEvent(
        at=NOW, model="m", event="refused", version=1, champion_before=None, champion_after=None, actor="[/red]",
        reason=SAID, airflow_run_id="r",
    )  # fmt: skip
    shown = printed(status_table(item), history_table("[/]", [event]))
    assert shown.count(COLUMN) == 5 and shown.count("[/]") >= 7
    assert "[red]m[/]" in shown and "by [/red]" in shown
    tried = Tried(date(2026, 3, 1), (Step(SAID.split("\n")[0], "fault", (SAID,), 0.1),))
    assert COLUMN in printed(command._table(COLUMN, tried), command._next(COLUMN, tried))


def test_markdown_keeps_them_on_their_line_and_out_of_its_markup() -> None:
    told = report.markdown(decision())
    assert "<script" not in told and "<b>" not in told
    lines = [line for line in told.splitlines() if "script" in line]
    assert lines and all(line.startswith("- ") for line in lines)
    for line in lines:
        assert "\\|" in line and "\\[red\\]" in line and "\\`x\\`" in line and "\\[z\\](http&#58;//w)" in line
    assert as_text("a\nb|c") == "a b\\|c"
    assert "\n- a b ‹script>" in notes("t", ["a\nb <script>"])


def test_pages_hold_no_tag_of_the_data(flight_delay: ModelConfig) -> None:
    night = PolicyDecision(
        model="m", night=date(2026, 3, 1), champion_version=1, action="alert", reasons=(SAID,), drifted=(COLUMN,),
        alarms=(Alarm(model="m", key=f"drift:{COLUMN}", severity="warning", sentence=SAID, next=SAID),),
    )  # fmt: skip
    for page in (report.page(decision(), flight_delay, None), policy_page(night, [night])):
        assert html.escape("<script>alert(1)</script>") in page and html.escape(COLUMN) in page
        assert "<script" not in page and "<b>|" not in page


@pytest.mark.parametrize("name", [FORMULA, r"$\frac$", "$5k$", "a\nb", COLUMN])
def test_a_picture_draws_a_name_that_looks_like_a_formula(name: str) -> None:
    figure = Figure()
    axes = figure.add_subplot(title=name, xlabel=name)
    axes.plot([0, 1], label=name)
    axes.legend()
    figure.savefig(io.BytesIO(), format="svg")


def test_every_picture_begins_where_names_are_no_formulas() -> None:
    root = Path(__file__).parents[2] / "include"
    own = [file for file in root.rglob("*.py") if "from matplotlib.figure import Figure" in file.read_text()]
    made = [file.name for file in own if "Figure(" in file.read_text()]
    assert made == [] and "drawing.py" in [file.name for file in own]


def test_a_scraper_reads_a_name_back() -> None:
    item = ModelStatus(model=CLASS, champion_version=3, live={'a"b\\\n': 1.0})
    families = text_string_to_metric_families(text(WorldCollector(lambda: [item], list)))
    assert {one.labels["model"] for family in families for one in family.samples if "model" in one.labels} == {CLASS}
