"""The grammar of the versions of Fuel and of releases.

A version is the name of folders and files beside those of the operator and of this program, such as
``/etc/fuel/version.yaml`` and ``/etc/puppet/modules``. None of them has the form of a version.
"""

import re

_MAX_CHARS = 30  # of the column of a release's version in Nailgun
_FUEL = re.compile(r"[0-9][0-9A-Za-z.+~_-]*")
_RELEASE = re.compile(r"(?:[a-z]+-)?[0-9][0-9A-Za-z.+~_-]*")


def fuel_version(value: object) -> str:
    """Return a Fuel version, such as ``6.0``; ValueError if it is none."""
    return _matching(_FUEL, value, "6.0")


def release_version(value: object) -> str:
    """Return the version of a release, such as ``2014.2-6.0``; ValueError if it is none."""
    return _matching(_RELEASE, value, "2014.2-6.0 or liberty-8.0")


def _matching(grammar: re.Pattern[str], value: object, example: str) -> str:
    is_text = isinstance(value, str) and len(value) <= _MAX_CHARS
    if not is_text or not grammar.fullmatch(str(value)):
        raise ValueError(f"{value!r:.80} is not a version such as {example}; quote versions")
    return str(value)
