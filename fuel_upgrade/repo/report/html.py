"""Render the HTML report from its template: one page with its style and script inside."""

import hashlib
from base64 import b64encode
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fuel_upgrade.outside_text import printable

_PAGE = resources.files("fuel_upgrade.repo.report") / "page"


def render_page(**values: Any) -> str:
    """Fill the template ``report.html.jinja``; all values are escaped.

    The policy in the page forbids requests, and every script but the one of the page, whatever
    the names of packages contain.
    """
    style, script, template = (
        (_PAGE / name).read_text(encoding="utf-8")
        for name in ("report.css", "report.js", "report.html.jinja")
    )
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    environment = Environment(
        autoescape=True,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    parts = {"style": style, "script": script, "policy": policy}
    own = {name: Markup(text) for name, text in parts.items()}  # noqa: S704 - files of this package
    return environment.from_string(template).render(**own, **values) + "\n"


def _printable(value: Any) -> Any:
    return printable(value) if type(value) is str else value  # no own Markup
