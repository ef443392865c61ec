"""The page of a replay: one file that opens with no network, every word from outside escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from include.gates.inputs import WORDS
from include.release.card_facts import count
from include.replay.pictures import drift_map, metric_over_time
from include.replay.records import NightRecord, Outcome, Promotion
from include.replay.strategies import opened

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1f;background:#fff;max-width:1120px;margin:1.5rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.2rem;margin:2.2rem 0 .4rem}h3{font-size:1rem;margin:1.4rem 0 .3rem}
.small{color:#55555c;font-size:.87rem}.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));
gap:.7rem;margin:1rem 0}.card{border:1px solid #d9d9de;border-radius:8px;padding:.6rem .8rem}
.card b{display:block;font-size:1.35rem}.table{overflow-x:auto}
table{border-collapse:collapse;font-size:.87rem;width:100%}
th,td{text-align:left;padding:.3rem .55rem;border-bottom:1px solid #e4e4e8;vertical-align:top}th{background:#f5f5f7}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.bad{color:#b3261e}.good{color:#1b6e3c}
svg{max-width:100%;height:auto}details{margin:.6rem 0}summary{cursor:pointer}
"""
MOST_LISTED = 400


def page(outcomes: Sequence[Outcome]) -> str:
    """One policy, or several side by side and then one after the other."""
    first = outcomes[0]
    title = f"Replay of {first.model}, nights {first.first} to {first.last}"
    parts = [_comparison(outcomes)] if len(outcomes) > 1 else []
    parts += [_policy(one, alone=len(outcomes) == 1) for one in outcomes]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f'<p class="small">Every night as of itself: it saw rows of days before it and labels that had arrived. '
        f"Rows from {escape(first.rows_from)}.</p>{''.join(parts)}{_how_to_read()}</body></html>"
    )


def _policy(one: Outcome, alone: bool) -> str:
    heading = "" if alone else f"<h2>{escape(one.name)}</h2>"
    return (
        f"{heading}{_cards(one)}{metric_over_time(one)}"
        f"<h3>Promotions</h3>{_promotions(one)}"
        f"<h3>Refusals</h3>{_refusals(one)}"
        f"<h3>Alarms</h3>{_alarms(one)}{drift_map(one)}"
        f"<h3>Weeks</h3><details><summary>{count(len(one.weekly), 'week')} as a table</summary>{_weeks(one)}</details>"
        f"<details><summary>{count(len(one.nights), 'night')} as a table</summary>{_nights(one.nights)}</details>"
        f"<h3>Compute</h3>{_compute(one)}"
    )


def _cards(one: Outcome) -> str:
    word = WORDS.get(one.metric, one.metric)
    share = "not defined" if one.share_kept is None else f"{one.share_kept:.0%}"
    looks = [night.look for night in one.nights if night.look]
    cards = [
        (_figure(one.mean_weekly.get("policy")), f"mean weekly {word}, this policy"),
        (_figure(one.mean_weekly.get("never")), "never retrain: the first champion for ever"),
        (_figure(one.mean_weekly.get("always")), "always promote: each night's version"),
        (share, "of that gain is kept by this policy"),
        (str(len(one.promotions)), "promotions after the first release"),
        (str(one.worse_later), f"of them later worse by more than {one.margin:g}"),
        (str(sum(bool(look.alarms) for look in looks)), f"nights with a column in a drift alarm, of {len(looks)}"),
        (str(sum(look.harm for look in looks)), "nights of harm on matured labels"),
    ]
    return (
        f'<div class="cards">{"".join(f"<div class=card><b>{escape(a)}</b>{escape(b)}</div>" for a, b in cards)}</div>'
    )


def _comparison(outcomes: Sequence[Outcome]) -> str:
    heads = ["", *(one.name for one in outcomes)]
    rows: list[tuple[str, list[str]]] = [
        ("mean weekly metric, policy", [_figure(one.mean_weekly.get("policy")) for one in outcomes]),
        ("never retrain", [_figure(one.mean_weekly.get("never")) for one in outcomes]),
        ("always promote", [_figure(one.mean_weekly.get("always")) for one in outcomes]),
        ("share of the gain kept", ["" if one.share_kept is None else f"{one.share_kept:.1%}" for one in outcomes]),
        ("promotions", [str(len(one.promotions)) for one in outcomes]),
        ("later worse by more than the margin", [str(one.worse_later) for one in outcomes]),
        ("refusals", [str(sum(night.verdict == "refused" for night in one.nights)) for one in outcomes]),
        ("alarms with harm", [str(one.alarms_with_harm) for one in outcomes]),
        ("alarms without harm", [str(one.alarms_without_harm) for one in outcomes]),
        ("harm without an alarm", [str(one.harm_without_alarm) for one in outcomes]),
        ("nights trained", [str(one.compute.nights) for one in outcomes]),
        ("configuration", [one.config_hash for one in outcomes]),
    ]
    return f"<h2>Side by side</h2>{_table(heads, ([name, *values] for name, values in rows))}"


def _promotions(one: Outcome) -> str:
    released = [night for night in one.nights if night.verdict == "promoted"]
    if not released:
        return "<p>Nothing was ever released.</p>"
    first = (
        f"<p>First release: version {released[0].version} on {released[0].night} ({escape(released[0].candidate)}).</p>"
    )
    if not one.promotions:
        return f"{first}<p>No version took its place.</p>"
    heads = [
        "Night",
        "Version",
        "Replaced",
        "Rule",
        "Candidate",
        "On the holdout",
        "Later truth",
        "95 % interval",
        "Days",
    ]
    note = (
        '<p class="small">Later truth: the new champion minus the one that it replaced, on the same rows of the up '
        "to 30 days that followed, which neither had seen; whole days resampled.</p>"
    )
    return first + _table(heads, (_promotion(item, one.margin) for item in one.promotions), marked=True) + note


def _promotion(item: Promotion, margin: float) -> list[str]:
    cells = [str(item.night), f"{item.version}", f"{item.replaced}", item.rule.replace("_", "-"), item.candidate]
    cells.append("" if item.difference is None else f"{item.difference:+.4f}")
    later = item.later
    if later is None:
        return [*cells, "too early to say", "", ""]
    mark = "!" if later.difference < -margin else ""
    bounds = "" if later.low is None or later.high is None else f"{later.low:+.4f} to {later.high:+.4f}"
    return [*cells, f"{mark}{later.difference:+.4f}", bounds, str((later.last - later.first).days + 1)]


def _refusals(one: Outcome) -> str:
    refused = [night for night in one.nights if night.verdict == "refused"]
    lost = [night for night in one.nights if night.verdict == "not trained"]
    asked = sum(bool(night.asked) for night in one.nights)
    words = f"<p>{len(refused)} of {len(one.nights)} nights refused their version"
    words += f"; {len(lost)} trained none" if lost else ""
    words += f"; a person would have been asked on {asked}, and is taken to agree" if asked else ""
    rows = ([gate, str(count)] for gate, count in one.refusals.items())
    blocked = (([str(night.night), " ".join(night.reasons)]) for night in lost[:MOST_LISTED])
    return (
        f"{words}.</p>{_table(['Gate that did not hold', 'Nights'], rows) if one.refusals else ''}"
        f"{_table(['Night', 'Why nothing was trained'], blocked) if lost else ''}"
    )


def _alarms(one: Outcome) -> str:
    looks = [(night.night, night.look) for night in one.nights if night.look]
    alarmed = [(night, look) for night, look in looks if look.alarms]
    words = (
        f"<p>Columns drifted on {len(alarmed)} of {len(looks)} nights. It lasted on "
        f"{one.alarms_with_harm + one.alarms_without_harm} ({one.alarms_with_harm} with harm, "
        f"{one.alarms_without_harm} without), and would have been told as new {opened(one.nights)} times. "
        f"Harm came on {sum(look.harm for _, look in looks)} nights, "
        f"{one.harm_without_alarm} of them without an alarm before. Retraining was asked for beyond the schedule on "
        f"{sum(night.requested for night in one.nights)}.</p>"
    )
    if not alarmed:
        return words
    rows = ([str(night), ", ".join(look.alarms), " ".join(look.sentences[1:])] for night, look in alarmed[:MOST_LISTED])
    return f"{words}<details><summary>The alarms</summary>{_table(['Night', 'Columns', 'In words'], rows)}</details>"


def _weeks(one: Outcome) -> str:
    rows = (
        [
            f"{week.first} to {week.last}",
            f"{week.rows:,}",
            _figure(week.policy),
            _figure(week.never),
            _figure(week.always),
        ]
        for week in one.weekly
    )
    return _table(["Week", "Rows", "This policy", "Never retrain", "Always promote"], rows)


def _nights(nights: Sequence[NightRecord]) -> str:
    rows = (
        [
            str(one.night),
            one.verdict,
            "" if one.champion is None else str(one.champion),
            one.candidate,
            one.rule.replace("_", "-"),
            "" if one.difference is None else f"{one.difference:+.4f}",
            ", ".join(one.gates),
            "" if one.look is None or one.look.live is None else f"{one.look.live:.4f}",
        ]
        for one in nights
    )
    heads = [
        "Night",
        "Verdict",
        "Champion",
        "Candidate",
        "Rule",
        "Difference",
        "Gates that did not hold",
        "Live metric",
    ]
    return _table(heads, rows)


def _compute(one: Outcome) -> str:
    spent = one.compute
    each = spent.cpu_seconds / max(1, spent.nights)
    return (
        f"<p>{spent.nights} nights trained {spent.candidates} candidates each: {spent.cpu_seconds / 3600:.2f} CPU "
        f"hours, {each:.1f} s a night. Never retraining takes one night's; always promoting takes all of them. This "
        f"replay took {spent.wall_seconds:,.0f} s, and trained {spent.trained_now} nights anew.</p>"
    )


def _how_to_read() -> str:
    return (
        '<h2>How to read this</h2><p class="small">A night scores the day before it, trains, judges and looks. '
        "<em>Never retrain</em> is the policy's own first champion for ever, <em>always promote</em> serves each "
        "night's version with no gate. A week's metric is of its rows together; a week cut short by the end is left "
        "out. An alarm counts as with harm where the live metric passed the bound of monitoring.retrain_request while "
        "the alarm's day was among the days that it is computed on. What a replay tells is one history: a setting that "
        "wins by little here may lose next year.</p>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], marked: bool = False) -> str:
    """A table of text; with `marked`, a cell that begins with `!` is shown as bad."""
    body = []
    for row in rows:
        cells = []
        for cell in row:
            bad = marked and cell.startswith("!")
            number = cell.lstrip("!+-").replace(".", "").replace(",", "").isdigit()
            kinds = " ".join(name for name, is_so in (("n", number), ("bad", bad)) if is_so)
            cells.append(f'<td class="{kinds}">{escape(cell.removeprefix("!") if bad else cell)}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{"".join(body)}</tbody></table></div>'


def _figure(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"
