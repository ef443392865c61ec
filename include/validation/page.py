"""The page a person opens in the morning: what was refused and set aside and why, then GX's own results.

Great Expectations writes values of the data into its page unescaped and draws it with style sheets and scripts from
elsewhere. Here its fragments go through an allow-list of tags without attributes but `class`, into a page that is
whole by itself: no script, no link, nothing loaded.
"""

from __future__ import annotations

import copy
import html
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaSectionView

from include.validation.inspection import Inspection, count

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult

    from include.validation.gx import Engine

SHOWN_VALUES = 20
TAGS = frozenset(["table", "thead", "tbody", "tr", "th", "td", "div", "span", "p", "strong", "code", "br"])
TAGS |= frozenset(["h5", "h6", "i", "b", "ul", "li"])
EMPTY_TAGS = frozenset(["br"])
STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
h5, h6 { font-size: 1rem; margin: 1.4rem 0 .3rem }
table { border-collapse: collapse; width: 100%; margin: .3rem 0 } table table { width: auto }
th, td { border-bottom: 1px solid #8885; padding: .3rem .6rem; text-align: left; vertical-align: top }
.badge { background: #8883; border-radius: .3rem; padding: 0 .35rem } .text-danger, .bad { color: #c62828 }
.fa-check-circle::before { content: "\\2714"; color: #2e7d32 } .fa-times::before { content: "\\2718"; color: #c62828 }
.fa-exclamation-triangle::before { content: "\\26A0"; color: #ef6c00 } i { font-style: normal }
.good { color: #2e7d32 } code { overflow-wrap: anywhere }
"""


def render_page(found: Inspection, engine: Engine) -> str:
    """Return the result page as one self-contained HTML document; every value of the data is escaped."""
    title = f"{found.config.name}: validation of {found.days[0]}"
    title += f" to {found.days[-1]}" if len(found.days) > 1 else ""
    body = [
        f"<h1>{html.escape(title)}</h1>",
        _verdict(found),
        "<h2>Days</h2>",
        _days(found),
        "<h2>Rules that did not hold</h2>",
        _failures(found),
        "<h2>Great Expectations</h2>",
        *_gx_sections([*_column_results(found, engine), *found.results]),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _verdict(found: Inspection) -> str:
    aside = int(found.aside.sum())
    refused = len(found.refusals)
    days = count(len(found.days), "day")
    said = f"{count(found.rows, 'row')} read, {count(aside, 'row')} set aside, {refused} of {days}"
    return f'<p class="{"bad" if refused else "good"}"><b>{html.escape(said)} refused.</b></p>'


def _days(found: Inspection) -> str:
    """Refused days first, as they are what the page is opened for; of a range, days without a fault are counted."""
    aside, lines, whole = found.aside, [], 0
    for day in sorted(found.days, key=lambda day: (day not in found.refusals, day)):
        of_day = found.rows_of(day)
        reasons = found.refusals.get(day, [])
        lost = int((of_day & aside).sum())
        if not reasons and not lost and len(found.days) > 1:
            whole += 1
            continue
        verdict = '<span class="bad">refused</span>' if reasons else '<span class="good">accepted</span>'
        why = "<br>".join(html.escape(reason) for reason in reasons)
        lines.append([str(day), verdict, f"{int(of_day.sum()):,}", f"{lost:,}", why])
    rest = f'<p class="good">{count(whole, "day")} accepted whole.</p>' if whole else ""
    return (_table(["Day", "Verdict", "Rows read", "Set aside", "Reasons"], lines) if lines else "") + rest


def _failures(found: Inspection) -> str:
    if not found.failures:
        return "<p>None.</p>"
    lines = [
        [html.escape(text) for text in (one.rule, one.severity, f"{one.failed:,} of {one.checked:,}", one.detail)]
        for one in found.failures
    ]
    return _table(["Rule", "On failure", "Failed", "What was found"], lines)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of cells that are already HTML."""
    top = "".join(f"<th>{name}</th>" for name in head)
    rows = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _column_results(found: Inspection, engine: Engine) -> list[ExpectationValidationResult]:
    """That every declared column exists, as expectations, so that the page shows it among the rules."""
    columns = list(found.config.data.columns)
    expectations = {number: gxe.ExpectColumnToExist(column=name) for number, name in enumerate(columns)}
    # The columns alone decide; an empty frame has none of GX's costs for rows.
    findings = engine.check(pd.DataFrame(columns=found.original.columns, dtype=object), expectations)
    return [findings[number].result for number in range(len(columns))]


def _gx_sections(results: Sequence[ExpectationValidationResult]) -> list[str]:
    """GX's own rendering of the results, section by section (a section is a column, or the table), made safe."""
    shown = [_presentable(result) for result in results]
    passed = all(result.success for result in shown)
    whole = ExpectationSuiteValidationResult(results=shown, success=passed, suite_name="rules", statistics={}, meta={})
    view = DefaultJinjaSectionView()
    sections = ValidationResultsPageRenderer().render(whole).sections[1:]
    return [
        safe_fragment(view.render({"section": section.to_json_dict(), "section_loop": {"index": number}}))
        for number, section in enumerate(sections, start=1)
    ]


def _presentable(result: ExpectationValidationResult) -> ExpectationValidationResult:
    """A copy with a few values only, as text, escaped as GX does not, and without paths of the exception's trace."""
    content = {
        key: _escaped(value[:SHOWN_VALUES] if isinstance(value, list) else value)
        for key, value in (result.result or {}).items()
        if key not in ("unexpected_list", "unexpected_index_list", "unexpected_index_query")
        and not key.startswith("partial_unexpected_index")
    }
    shown = copy.copy(result)
    shown.result = content
    shown.success = bool(result.success)
    shown.exception_info = _without_trace(result.exception_info or {})
    return shown


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    item = value.item() if hasattr(value, "item") else value
    return item if isinstance(item, int | float) else html.escape(str(item)[:200])


def _without_trace(info: dict[str, Any]) -> dict[str, Any]:
    if "raised_exception" in info:
        message = html.escape(str(info.get("exception_message") or ""))
        return {**info, "exception_message": message or None, "exception_traceback": ""}
    return {key: _without_trace(part) for key, part in info.items()}


class _Safe(HTMLParser):
    """Writes a fragment again with allowed tags and `class` only; folded-away blocks and links are left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = dict(attrs).get("class") or ""
        if self.skipping:
            if tag == self.skipping[0] and tag not in EMPTY_TAGS:
                self.skipping.append(tag)
        elif tag == "a" or "collapse" in classes.split():
            self.skipping.append(tag)
        elif tag not in TAGS:
            self.out.append(html.escape(self.get_starttag_text() or ""))
        else:
            self.out.append(f'<{tag} class="{html.escape(classes)}">' if classes else f"<{tag}>")
            if tag not in EMPTY_TAGS:
                self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.skipping:
            if tag == self.skipping[0]:
                self.skipping.pop()
        elif tag in self.open:
            while (closed := self.open.pop()) != tag:
                self.out.append(f"</{closed}>")
            self.out.append(f"</{tag}>")
        elif tag not in TAGS:
            self.out.append(html.escape(f"</{tag}>"))

    def handle_data(self, data: str) -> None:
        if not self.skipping:
            self.out.append(html.escape(data))

    def close(self) -> None:
        super().close()
        self.out += [f"</{tag}>" for tag in reversed(self.open)]
        self.open.clear()


def safe_fragment(fragment: str) -> str:
    """Return the fragment with no tag, attribute or address that could run, load or style anything."""
    writer = _Safe()
    writer.feed(fragment)
    writer.close()
    return "".join(writer.out)
