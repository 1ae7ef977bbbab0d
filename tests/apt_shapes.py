"""Apt repos of many shapes: fields of Release, layouts of indexes, separators, signatures."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from fuel_upgrade.repo.apt.stanza import FileSums, render_packages, render_release
from fuel_upgrade.repo.apt.suite_path import index_path, index_stem, is_flat
from fuel_upgrade.repo.apt.write_indexes import add_by_hash
from fuel_upgrade.repo.sign import SigningKey, sign_apt
from tests.builders import write
from tests.exactness import Item, Release

COMPONENTS = ("main", "more/extra")
NATIVES = ("amd64", "i386")
SUITE = "precise"
SUITES = (SUITE, f"{SUITE}-updates/juno", f"{SUITE}/updates")
PAST = "Sat, 01 Nov 2014 00:00:00 UTC"
FUTURE = format_datetime(datetime.now(UTC) + timedelta(days=400), usegmt=True)


class Layout(Enum):
    """The indexes of packages for all architectures, and whether Release makes apt read them."""

    EACH = "in each index"
    APART = "in binary-all only"
    BOTH = "in each index and in binary-all, which apt does not read"
    UNNAMED = "in each index and in binary-all, which Release does not name"
    ALONE = "the only architecture"
    UNREAD = "in binary-all only, which Release does not name"


@dataclass(frozen=True)
class AptShape:
    """The shape of one repo; ``policy`` and ``dates`` are fields of Release."""

    policy: tuple[tuple[str, str], ...] = ()
    dates: tuple[tuple[str, str], ...] = (("Date", PAST),)
    layout: Layout = Layout.EACH
    text: str = "plain"
    suite: str = SUITE
    by_hash: bool = False
    signed: bool = False

    def shows(self, item: Item) -> bool:
        """Return whether apt reads an index with the package."""
        return item.architecture != "all" or self.layout is not Layout.UNREAD

    def kinds(self) -> list[str]:
        """Return the parts that differ from a usual repo, for the tally."""
        usual = AptShape()
        parts = {
            " and ".join(name for name, _ in self.policy): self.policy != usual.policy,
            "Valid-Until over": ("Valid-Until", PAST) in self.dates,
            "Date in the future": ("Date", FUTURE) in self.dates,
            f"packages for all {self.layout.value}": self.layout != usual.layout,
            f"index with {self.text}": self.text != usual.text,
            "flat": is_flat(self.suite),
            "suite with a slash": self.suite == SUITES[1],
            "components with the prefix of their suite": self.suite == SUITES[2],
            "Acquire-By-Hash": self.by_hash,
            "signed": self.signed,
        }
        return [name for name, applies in parts.items() if applies]


NOT_AUTOMATIC = (("NotAutomatic", "yes"),)
EXPIRED = (("Date", PAST), ("Valid-Until", PAST))
IN_FUTURE = (("Date", FUTURE),)
_POLICIES = ((), NOT_AUTOMATIC, (*NOT_AUTOMATIC, ("ButAutomaticUpgrades", "yes")))
_DATES = (
    (("Date", PAST),),
    EXPIRED,
    (("Date", PAST), ("Valid-Until", FUTURE)),
    IN_FUTURE,
)
TEXTS: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR in separators": lambda data: data.replace(b"\n\n", b"\n\r\n"),
    "more empty lines": lambda data: b"\n" + data.replace(b"\n\n", b"\n\n\n\n"),
    "no final line feed": lambda data: data.rstrip(b"\n"),
    "duplicate fields": lambda data: data.replace(b"\nVersion:", b"\nVersion: 0.1\nVersion:"),
}


def shapes() -> st.SearchStrategy[AptShape]:
    """Give shapes, of which half are usual ones apart from the policy."""
    return st.one_of(
        st.builds(AptShape, st.sampled_from(_POLICIES)),
        st.builds(
            AptShape,
            st.sampled_from(_POLICIES),
            st.sampled_from(_DATES),
            st.sampled_from(Layout),
            st.sampled_from(sorted(TEXTS)),
            st.sampled_from(SUITES),
            st.booleans(),
            st.booleans(),
        ),
    )


def flat_shapes() -> st.SearchStrategy[AptShape]:
    """Give shapes of flat repos, whose release has neither components nor architectures."""
    return st.builds(
        AptShape,
        st.sampled_from(_POLICIES),
        st.sampled_from(_DATES),
        text=st.sampled_from(sorted(TEXTS)),
        suite=st.just("./"),
        by_hash=st.booleans(),
        signed=st.booleans(),
    )


def make_full(
    root: Path, release: Release, shape: AptShape | None = None, key: SigningKey | None = None
) -> Path:
    """Write a full repo; ``key`` is needed for a signed one."""
    form = shape or AptShape()
    indexed, named = _architectures(release, form.layout)
    files: dict[str, bytes] = {}
    for stem, items in _indexes(release, form, indexed).items():
        text = render_packages([_stanza(root, item) for item in items])
        files[stem] = TEXTS[form.text](text) if items else b""
        files[f"{stem}.gz"] = gzip.compress(files[stem], mtime=0)
    folder = root / index_path(form.suite)
    for name, data in files.items():
        write(folder / name, data)
    fields = {"Label": "Full", "Suite": SUITE, **dict(form.dates), **dict(form.policy)}
    if not is_flat(form.suite):
        prefix = "updates/" if form.suite == SUITES[2] else ""
        fields |= {"Components": " ".join(prefix + name for name in COMPONENTS), **named}
    if form.by_hash:
        fields["Acquire-By-Hash"] = "yes"
        add_by_hash(folder, files)
    sums = {name: FileSums.of(data) for name, data in files.items()}
    write(folder / "Release", render_release(fields, sums))
    if key and form.signed:
        sign_apt(folder, key)
    return root


def _indexes(
    release: Release, shape: AptShape, architectures: Sequence[str]
) -> dict[str, list[Item]]:
    """Return the packages of each index, by its path without the suffix of a form."""
    if is_flat(shape.suite):
        return {index_stem("", "all"): list(release)}
    shown = {a: ("all",) if a == "all" else (a, *_with_all(shape.layout)) for a in architectures}
    return {
        index_stem(component, architecture): [
            item
            for item in release
            if item.component == component and item.architecture in shown[architecture]
        ]
        for component in COMPONENTS
        for architecture in architectures
    }


def _architectures(release: Release, layout: Layout) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the architectures that have an index, and the fields of Release about them."""
    every = (*NATIVES, "all")
    unread = "No-Support-for-Architecture-all"
    only_all = all(item.architecture == "all" for item in release)
    match layout:
        case Layout.EACH:
            return NATIVES, {"Architectures": " ".join(NATIVES)}
        case Layout.UNNAMED | Layout.UNREAD:
            return every, {"Architectures": " ".join(NATIVES)}
        case Layout.BOTH:
            return every, {"Architectures": " ".join(every), unread: "Packages"}
        case Layout.ALONE if only_all:
            return ("all",), {"Architectures": "all"}
        case _:
            return every, {"Architectures": " ".join(every)}


def _with_all(layout: Layout) -> tuple[str, ...]:
    return () if layout in (Layout.APART, Layout.ALONE, Layout.UNREAD) else ("all",)


def _stanza(root: Path, item: Item) -> bytes:
    control, data = make_deb(item)
    checksum = hashlib.sha256(data).hexdigest()
    location = f"pool/{checksum[:12]}/{item.name}.deb"
    write(root / location, data)
    text = f"{control}Filename: {location}\nSize: {len(data)}\nSHA256: {checksum}"
    return text.encode()


@cache
def make_deb(item: Item) -> tuple[str, bytes]:
    """Return the control fields and the bytes of a deb; see deb(5). Its component is not in it."""
    control = (
        f"Package: {item.name}\nVersion: {item.version}\nArchitecture: {item.architecture}\n"
        "Maintainer: m <m@example.com>\n" + "Provides: other\n" * (item.content == 3)
    ) + f"Description: {item.name}\n"
    text = str(item.content) * (30_000 if item.content == 2 else 10)
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar": _tar("./control", control),
        "data.tar": _tar(f"./usr/share/{item.name}", text),
    }
    members = (
        f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        for name, data in parts.items()
    )
    return control, b"!<arch>\n" + b"".join(members)


def _tar(name: str, text: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()
