"""How dpkg and rpm order versions: negative, zero or positive, like ``cmp``."""

import re
from collections.abc import Callable
from itertools import zip_longest

from fuel_upgrade.repo.package import RepoKind

Compare = Callable[[str, str], int]
_DEB_RUNS = re.compile(r"(\D*)(\d*)").findall
_RPM_SEGMENT = re.compile(r"\d+|[A-Za-z]+|~|\^")


def version_order(kind: RepoKind) -> Compare:
    """Return the function that orders the versions of a kind of repo."""
    return compare_deb if kind is RepoKind.APT else compare_rpm


def compare_deb(left: str, right: str) -> int:
    """Order two Debian versions (Debian Policy 5.6.12)."""
    left_epoch, left_upstream, left_revision = _split_deb(left)
    right_epoch, right_upstream, right_revision = _split_deb(right)
    return (
        left_epoch - right_epoch
        or _compare_deb_part(left_upstream, right_upstream)
        or _compare_deb_part(left_revision, right_revision)
    )


def compare_rpm(left: str, right: str) -> int:
    """Order two rpm versions written ``[epoch:]version[-release]`` (rpm-version(7)).

    Like ``rpm.vercmp``, a version without release sorts before every release, so that the order is
    total.
    """
    left_epoch, left_version, left_release = _split_rpm(left)
    right_epoch, right_version, right_release = _split_rpm(right)
    return (
        left_epoch - right_epoch
        or _compare_rpm_part(left_version, right_version)
        or _compare_rpm_part(left_release, right_release)
    )


def _split_deb(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return (int(epoch) if epoch.isdecimal() else 0, upstream, revision)


def _compare_deb_part(left: str, right: str) -> int:
    """Compare runs of non-digits and runs of digits in turn."""
    if left == right:
        return 0
    runs = zip_longest(_DEB_RUNS(left), _DEB_RUNS(right), fillvalue=("", ""))
    for (left_text, left_number), (right_text, right_number) in runs:
        if left_text != right_text:
            return _compare_deb_text(left_text, right_text)
        if left_number != right_number:
            difference = int(left_number or 0) - int(right_number or 0)
            if difference:
                return difference
    return 0


def _compare_deb_text(left: str, right: str) -> int:
    for left_char, right_char in zip_longest(left, right, fillvalue=""):
        difference = _deb_weight(left_char) - _deb_weight(right_char)
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


def _compare_rpm_part(left: str, right: str) -> int:
    if left == right:
        return 0
    for a, b in zip_longest(_RPM_SEGMENT.findall(left), _RPM_SEGMENT.findall(right), fillvalue=""):
        difference = _compare_rpm_segment(a, b)
        if difference:
            return difference
    return 0


def _compare_rpm_segment(left: str, right: str) -> int:
    """``~`` sorts before the end; ``^`` after the end but before anything else; digits last."""
    if left == right:
        return 0
    weights = _rpm_weight(left) - _rpm_weight(right)
    if weights:
        return weights
    if left.isdigit():
        return int(left) - int(right)
    return -1 if left < right else 1


def _rpm_weight(segment: str) -> int:
    if segment == "~":
        return 0
    if not segment:
        return 1
    if segment == "^":
        return 2
    return 4 if segment.isdigit() else 3
