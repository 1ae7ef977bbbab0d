"""The macros of orchestrator data, replaced once when a release is written."""

import re
from collections.abc import Mapping

from fuel_upgrade.registry.refusal import bad_request
from fuel_upgrade.release.map_order import answered_order

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def render(text: str, macros: Mapping[str, str]) -> str:
    """Replace every ``{NAME}`` of ``text`` by its value, and every doubled brace by one.

    Values are not rendered again. Nailgun uses ``str.format``, which also reaches into objects;
    here a macro is a plain name.

    Raises:
        RefusedError: 400 for an unknown macro or a brace without its counterpart, on which Nailgun
            crashes.
    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if name is None:
            raise bad_request(f"Unbalanced brace in {text!r}")
        if name not in macros:
            known = ", ".join(f"{{{macro}}}" for macro in macros)
            raise bad_request(f"Unknown macro {{{name}}} in {text!r}; known are {known}")
        return macros[name]

    return _BRACES.sub(replaced, text)


def render_repos(repos: Mapping[str, str], macros: Mapping[str, str]) -> dict[str, str]:
    """Render names and locations of repos; return them in the order of an answer of Nailgun.

    Raises:
        RefusedError: 400 as for :func:`render`, or when two names become one.
    """
    rendered: dict[str, str] = {}
    for name, location in repos.items():
        key = render(name, macros)
        if key in rendered:
            raise bad_request(f"Two repos of 'repo_metadata' are named {key!r}")
        rendered[key] = render(location, macros)
    return {key: rendered[key] for key in answered_order(rendered)}
