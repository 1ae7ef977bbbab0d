"""Render change reports as text, Markdown, JSON and one self-contained HTML page."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fuel_upgrade.outside_text import printable
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
    """Return the report as plain text, one line per package."""
    title = printable(report.title)
    lines = [title, "=" * len(title), ""]
    for repo in report.repos:
        name = printable(repo.name)
        lines += [name, "-" * len(name), *_summary(repo), ""]
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
    from fuel_upgrade.repo.report.html import render_page  # noqa: PLC0415 - Jinja2 loads slowly

    return render_page(
        report=report,
        columns=_COLUMNS,
        headings=_HEADINGS,
        hints=_HINTS,
        groups_of=_groups,
        sums_of=_sums,
        cells_of=_cells,
    )


RENDERERS: Mapping[str, Callable[[Report], str]] = {
    "text": render_text,
    "markdown": render_markdown,
    "json": render_json,
    "html": render_html,
}


def _groups(repo: RepoReport) -> list[tuple[ChangeKind, tuple[Change, ...]]]:
    groups = [(kind, repo.of_kind(kind)) for kind in ChangeKind]
    return [(kind, changes) for kind, changes in groups if changes]


def _summary(repo: RepoReport) -> list[str]:
    counts = ", ".join(f"{count} {name}" for name, count in repo.counts.items())
    lines = [
        f"packages: {_number(repo.old_packages)} before, {_number(repo.new_packages)} after",
        f"size: {_size(repo.old_bytes)} before, {_size(repo.new_bytes)} after",
        f"changes: {counts}",
    ]
    return [*lines, printable(repo.note)] if repo.note else lines


def _text_line(change: Change) -> str:
    name, old, new, old_size, new_size, component = _cells(change)
    sizes = f"{old_size or 'none'} -> {new_size or 'none'}"
    where = f", {component}" if component else ""
    return printable(f"{name}: {old or 'none'} -> {new or 'none'} ({sizes}{where})")


def _cells(change: Change) -> Sequence[str]:
    """Return the cells of a row; a cell is empty if that side has no package."""
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


def _sums(repo: RepoReport) -> Iterator[tuple[str, str, bool]]:
    """Yield name and text of each total, and whether the page has a table for it."""
    yield "packages", f"{_number(repo.old_packages)} → {_number(repo.new_packages)}", False
    yield "size", f"{_size(repo.old_bytes)} → {_size(repo.new_bytes)}", False
    listed = {kind.value for kind, _ in _groups(repo)}
    for name, count in repo.counts.items():
        yield name, _number(count), name in listed


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    """Escape the characters of Markdown in names and versions."""
    special = "\\`*_{}[]<>|#~"
    return "".join(f"\\{c}" if c in special else c for c in printable(text))


def _number(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _size(size_bytes: int | None) -> str:
    return "unknown" if size_bytes is None else say_size(size_bytes)
