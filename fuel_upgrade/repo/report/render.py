"""Change reports as text, Markdown, JSON and one self-contained HTML page."""

import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from fuel_upgrade.repo.report.html import POLICY, SCRIPT, STYLE
from fuel_upgrade.repo.report.package_changes import Change, ChangeKind, RepoReport, Report
from fuel_upgrade.system.size import say_size

_HEADINGS = {
    ChangeKind.REBUILT: "Same version with other content",
    ChangeKind.UPGRADED: "Upgraded",
    ChangeKind.DOWNGRADED: "Downgraded",
    ChangeKind.ADDED: "Added",
    ChangeKind.REMOVED: "Removed",
    ChangeKind.MOVED: "Moved between components",
    ChangeKind.RESTORED: "Restored",
}
_HINTS = {
    ChangeKind.REBUILT: "The version alone does not show these: nodes that have it installed "
    "must install it again.",
    ChangeKind.RESTORED: "The same as in the base, which lacked them on the master that this "
    "tarball was repaired for.",
    ChangeKind.DOWNGRADED: "Nodes take these only where they are allowed to go back.",
}
_COLUMNS = ("package", "before", "after", "size before", "size after", "component")


def render_text(report: Report) -> str:
    """Return the report as plain text, a line a package."""
    lines = [report.title, "=" * len(report.title), ""]
    for repo in report.repos:
        lines += [repo.name, "-" * len(repo.name), *_summary(repo), ""]
        for kind, changes in _groups(repo):
            lines += [f"{_HEADINGS[kind]} ({len(changes)}):"]
            lines += [f"  {_text_line(change)}" for change in changes] + [""]
    return "\n".join(lines).rstrip("\n") + "\n"


def render_markdown(report: Report) -> str:
    """Return the report as Markdown with a table for each kind of change."""
    lines = [f"# {_escaped(report.title)}", ""]
    for repo in report.repos:
        lines += [
            f"## {_escaped(repo.name)}",
            "",
            *(f"- {_escaped(s)}" for s in _summary(repo)),
            "",
        ]
        for kind, changes in _groups(repo):
            lines += [f"### {_HEADINGS[kind]} ({len(changes)})", ""]
            lines += [_HINTS[kind], ""] if kind in _HINTS else []
            lines += [_markdown_row(_COLUMNS), _markdown_row(["---"] * len(_COLUMNS))]
            lines += [_markdown_row(_escaped(c) for c in _cells(change)) for change in changes]
            lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def render_json(report: Report) -> str:
    """Return the report as JSON."""
    return json.dumps(report.to_json(), indent=2) + "\n"


def render_html(report: Report) -> str:
    """Return the report as one page that needs no network; its script only filters and sorts."""
    title = html.escape(report.title)
    body = "\n".join(_html_repo(number, repo) for number, repo in enumerate(report.repos))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{_html_contents(report)}{body}\n</main>\n"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


RENDERERS: Mapping[str, Callable[[Report], str]] = {
    "text": render_text,
    "markdown": render_markdown,
    "json": render_json,
    "html": render_html,
}


def _groups(repo: RepoReport) -> list[tuple[ChangeKind, tuple[Change, ...]]]:
    found = [(kind, repo.of_kind(kind)) for kind in ChangeKind]
    return [(kind, changes) for kind, changes in found if changes]


def _summary(repo: RepoReport) -> list[str]:
    counts = ", ".join(f"{count} {name}" for name, count in repo.counts.items())
    lines = [
        f"packages: {_number(repo.old_packages)} before, {_number(repo.new_packages)} after",
        f"size: {_size(repo.old_bytes)} before, {_size(repo.new_bytes)} after",
        f"changes: {counts}",
    ]
    return [*lines, repo.note] if repo.note else lines


def _text_line(change: Change) -> str:
    name, old, new, old_size, new_size, component = _cells(change)
    sizes = f"{old_size or 'none'} -> {new_size or 'none'}"
    where = f", {component}" if component else ""
    return f"{name}: {old or 'none'} -> {new or 'none'} ({sizes}{where})"


def _cells(change: Change) -> Sequence[str]:
    """Give what the columns hold; a cell is empty where there is nothing on that side."""
    kept = [f"{version} (kept)" for version in change.kept]
    old, new = [*kept, *change.old], [*kept, *change.new]
    places = ", ".join(change.new_components or change.old_components)
    if change.moved:
        places = f"{', '.join(change.old_components)} -> {places}"
    return (
        f"{change.name} {change.architecture}",
        ", ".join(old),
        ", ".join(new),
        _size(change.old_bytes) if change.old else "",
        _size(change.new_bytes) if change.new else "",
        places,
    )


def _html_contents(report: Report) -> str:
    """Name the repos with links, where there are several."""
    if len(report.repos) == 1:
        return ""
    links = "".join(
        f'<li><a href="#repo-{number}">{html.escape(repo.name)}</a>: {_html_counts(repo)}</li>'
        for number, repo in enumerate(report.repos)
    )
    return f'<nav aria-label="Repos"><ul>{links}</ul></nav>\n'


def _html_counts(repo: RepoReport) -> str:
    return ", ".join(f"{c:,} {n}" for n, c in repo.counts.items() if c) or "no changes listed"


def _html_repo(number: int, repo: RepoReport) -> str:
    groups = _groups(repo)
    shown = {kind.value for kind, _ in groups}
    sums = {
        "packages": f"{_number(repo.old_packages)} → {_number(repo.new_packages)}",
        "size": f"{_size(repo.old_bytes)} → {_size(repo.new_bytes)}",
        **{name: _number(count) for name, count in repo.counts.items()},
    }
    texts = {name: f"<b>{value}</b>{name}" for name, value in sums.items()}
    items = "".join(
        f'<li><a href="#repo-{number}-{name}">{text}</a></li>'
        if name in shown
        else f"<li>{text}</li>"
        for name, text in texts.items()
    )
    note = f"<p>{html.escape(repo.note)}</p>" if repo.note else ""
    tables = "\n".join(_html_group(f"repo-{number}", kind, found) for kind, found in groups)
    return (
        f'<section aria-labelledby="repo-{number}">\n'
        f'<h2 id="repo-{number}">{html.escape(repo.name)}</h2>\n'
        f'<ul class="sums">{items}</ul>\n{note}{tables}\n</section>'
    )


def _html_group(place: str, kind: ChangeKind, changes: Sequence[Change]) -> str:
    flag = ' class="flag"' if kind is ChangeKind.REBUILT else ""
    hint = f"<p>{_HINTS[kind]}</p>" if kind in _HINTS else ""
    head = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    rows = "\n".join(_html_row(_cells(change)) for change in changes)
    return (
        f'<details open id="{place}-{kind.value}"{flag}>'
        f"<summary>{_HEADINGS[kind]} ({len(changes):,})</summary>{hint}\n"
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></details>"
    )


def _html_row(cells: Sequence[str]) -> str:
    # Without classes: there may be tens of thousands of rows.
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    """Keep names and versions from being read as markup."""
    special = "\\`*_{}[]<>|#~"
    return "".join(f"\\{c}" if c in special else c for c in text)


def _number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _size(size_bytes: int | None) -> str:
    return "unknown" if size_bytes is None else say_size(size_bytes)
