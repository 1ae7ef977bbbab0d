"""The macros of orchestrator data, replaced once when a release is written."""

import re
from collections.abc import Mapping

from fuel_upgrade.registry.refusal import bad_request

_MACRO = re.compile(r"\{([^{}]*)\}")


def render(text: str, macros: Mapping[str, str]) -> str:
    """Replace every ``{NAME}`` of ``text`` by its value; values are not rendered again.

    Nailgun used ``str.format``, which reaches into objects and knows no literal braces; here a
    macro is a plain name, and a brace outside a macro is refused just as it was there.

    Raises:
        RefusedError: 400 for an unknown macro or a stray brace.
    """
    if any(brace in _MACRO.sub("", text) for brace in "{}"):
        raise bad_request(f"Unbalanced brace in {text!r}")
    for name in _MACRO.findall(text):
        if name not in macros:
            known = ", ".join(f"{{{macro}}}" for macro in macros)
            raise bad_request(f"Unknown macro {{{name}}} in {text!r}; known are {known}")
    return _MACRO.sub(lambda match: macros[match[1]], text)


def render_repos(repos: Mapping[str, str], macros: Mapping[str, str]) -> dict[str, str]:
    """Render names and locations of repos, in their order.

    Raises:
        RefusedError: 400 as for :func:`render`, or when two names become one.
    """
    rendered: dict[str, str] = {}
    for name, location in repos.items():
        key = render(name, macros)
        if key in rendered:
            raise bad_request(f"Two repos of 'repo_metadata' are named {key!r}")
        rendered[key] = render(location, macros)
    return rendered
