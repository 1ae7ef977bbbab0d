"""Read, select and merge advisories (``updateinfo.xml``)."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from fuel_upgrade.errors import BundleError
from fuel_upgrade.repo.package import PackageKey
from fuel_upgrade.repo.yum.createrepo import (
    UpdateRecord,
    createrepo_c,
    fault_text,
    refuse_other_encoding,
)


def read_advisories(path: Path) -> tuple[UpdateRecord, ...]:
    """Read an ``updateinfo.xml``, plain or compressed.

    Raises:
        BundleError: it is missing or malformed.
    """
    refuse_other_encoding(path)
    try:
        return tuple(createrepo_c.UpdateInfo(str(path)).updates)
    except (createrepo_c.CreaterepoCError, OSError, UnicodeError) as error:
        raise BundleError(
            f"{path}: {fault_text(error, path)}",
            remedy="copy the repo again, with all of its metadata",
        ) from error


def select_advisories(
    current: Sequence[UpdateRecord],
    base: Iterable[UpdateRecord],
    carried: Collection[PackageKey],
) -> tuple[UpdateRecord, ...]:
    """Select advisories that the base lacks or has changed, and those about carried packages."""
    present = {createrepo_c.xml_dump_updaterecord(record) for record in base}
    return tuple(
        record
        for record in current
        if createrepo_c.xml_dump_updaterecord(record) not in present
        or not _packages(record).isdisjoint(carried)
    )


def _packages(record: UpdateRecord) -> frozenset[PackageKey]:
    return frozenset(
        (p.name, p.arch, f"{_epoch(p.epoch)}{p.version}-{p.release}")
        for collection in record.collections
        for p in collection.packages
    )


def _epoch(text: str | None) -> str:
    return f"{text}:" if text not in (None, "", "0") else ""


def merge_advisories(
    parts: Iterable[Sequence[UpdateRecord]],
) -> tuple[UpdateRecord, ...]:
    """Merge the advisories of several repos, newest first; the newest of each id is kept."""
    merged: dict[str, UpdateRecord] = {}
    for records in parts:
        for record in records:
            merged.setdefault(record.id, record)
    return tuple(merged.values())


def render_advisories(records: Iterable[UpdateRecord]) -> bytes:
    """Return the text of ``updateinfo.xml``."""
    whole = createrepo_c.UpdateInfo()
    for record in records:
        whole.append(record)
    text: str = whole.xml_dump()
    return text.encode()
