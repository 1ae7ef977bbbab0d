"""How dpkg and rpm order versions: negative, zero or positive, like ``cmp``."""

import re
from collections.abc import Callable
from itertools import zip_longest

from fuel_upgrade.repo.package import RepoKind

Compare = Callable[[str, str], int]
_DIGITS = re.compile(r"\d+")
_RPM_SEGMENT = re.compile(r"\d+|[A-Za-z]+|~|\^")


def version_order(kind: RepoKind) -> Compare:
    """Return the function that orders the versions of a kind of repo."""
    return compare_deb if kind is RepoKind.APT else compare_rpm


def compare_deb(one: str, other: str) -> int:
    """Order two Debian versions (Debian Policy 5.6.12)."""
    one_epoch, one_upstream, one_revision = _split_deb(one)
    other_epoch, other_upstream, other_revision = _split_deb(other)
    return (
        one_epoch - other_epoch
        or _compare_deb_part(one_upstream, other_upstream)
        or _compare_deb_part(one_revision, other_revision)
    )


def compare_rpm(one: str, other: str) -> int:
    """Order two rpm versions written ``[epoch:]version[-release]`` (rpm-version(7)).

    As ``rpm.vercmp`` does it, no release sorts before any: were it equal to all of them, this
    would be no order.
    """
    one_epoch, one_version, one_release = _split_rpm(one)
    other_epoch, other_version, other_release = _split_rpm(other)
    return (
        one_epoch - other_epoch
        or _compare_rpm_part(one_version, other_version)
        or _compare_rpm_part(one_release, other_release)
    )


def _split_deb(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return (int(epoch) if epoch.isdecimal() else 0, upstream, revision)


def _compare_deb_part(one: str, other: str) -> int:
    """Compare by turns a run of other characters and a run of digits."""
    while one or other:
        one_text, one = _leading_text(one)
        other_text, other = _leading_text(other)
        if one_text != other_text:
            return _compare_deb_text(one_text, other_text)
        one_number, one = _leading_number(one)
        other_number, other = _leading_number(other)
        if one_number != other_number:
            return one_number - other_number
    return 0


def _leading_text(part: str) -> tuple[str, str]:
    found = _DIGITS.search(part)
    end = found.start() if found else len(part)
    return part[:end], part[end:]


def _leading_number(part: str) -> tuple[int, str]:
    found = _DIGITS.match(part)
    return (int(found.group()), part[found.end() :]) if found else (0, part)


def _compare_deb_text(one: str, other: str) -> int:
    for one_char, other_char in zip_longest(one, other, fillvalue=""):
        difference = _deb_weight(one_char) - _deb_weight(other_char)
        if difference:
            return difference
    return 0


def _deb_weight(character: str) -> int:
    """Tilde sorts before the end, the end before letters, letters before everything else."""
    if character == "~":
        return -1
    if not character:
        return 0
    return ord(character) if character.isalpha() else ord(character) + 256


def _split_rpm(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, release = rest.partition("-")
    return (int(epoch) if epoch.isdecimal() else 0, upstream, release)


def _compare_rpm_part(one: str, other: str) -> int:
    if one == other:
        return 0
    for a, b in zip_longest(_RPM_SEGMENT.findall(one), _RPM_SEGMENT.findall(other), fillvalue=""):
        difference = _compare_rpm_segment(a, b)
        if difference:
            return difference
    return 0


def _compare_rpm_segment(one: str, other: str) -> int:
    """``~`` sorts before the end; ``^`` after the end but before anything else; digits last."""
    if one == other:
        return 0
    weights = _rpm_weight(one) - _rpm_weight(other)
    if weights:
        return weights
    if one.isdigit():
        return int(one) - int(other)
    return -1 if one < other else 1


def _rpm_weight(segment: str) -> int:
    if segment == "~":
        return 0
    if not segment:
        return 1
    if segment == "^":
        return 2
    return 4 if segment.isdigit() else 3
