"""Render a chain as sources with which a node behaves as with one full repo."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.resolve import (
    NATIVE_ARCHITECTURE,
    Pin,
    apt_pins,
    resolve,
    yum_excludes,
)
from fuel_upgrade.nodes.sources import (
    APT_LIST,
    APT_PREFERENCES,
    YUM_REPO,
    AptOption,
    NodeSource,
    apt_line,
    apt_options,
    date_reasons,
    require_apt_form,
    yum_ids,
)
from fuel_upgrade.repo.package import RepoKind

APT_DEB822 = "etc/apt/sources.list.d/00-fuel-upgrade.sources"
OWN_FILES = {
    RepoKind.APT: (APT_LIST, APT_DEB822, APT_PREFERENCES),
    RepoKind.YUM: (YUM_REPO,),
}
"""Every file of any form of sources: those that are not written are deleted."""
_HEAD = "# Written by fuel-upgrade; the order is part of the meaning.\n"
_MOVED = "# Written by fuel-upgrade; the repos are in 00-fuel-upgrade.sources.\n"


@dataclass(frozen=True, slots=True)
class SourceStyle:
    """The form of the sources.

    ``deb822`` selects apt's paragraphs instead of lines. ``signed_by`` is the path on the node of
    the key of signed apt repos, ``gpgkey`` the URL of the key of rpms and yum repos; both may be
    empty. ``native`` is the architecture of the nodes.

    Raises:
        ConfigError: a key does not fit into a line.
    """

    deb822: bool = False
    signed_by: str = ""
    gpgkey: str = ""
    native: str = NATIVE_ARCHITECTURE

    def __post_init__(self) -> None:
        for option, text in (("--signed-by", self.signed_by), ("--gpgkey", self.gpgkey)):
            if text and (text.split() != [text] or "]" in text or not text.isprintable()):
                raise ConfigError(
                    f"{option} {text!r} fits into no sources file: it has a space or a bracket",
                    remedy="give the key a path or url without spaces and brackets",
                )


def render_exact(
    os_key: str, contents: Sequence[RepoContent], style: SourceStyle | None = None
) -> dict[str, str]:
    """Return the files, relative path to text, of a chain, newest repo first.

    Raises:
        ConfigError: an apt repo lacks suite or components, or as ``resolve``, ``apt_pins`` and
            ``yum_excludes``.
    """
    chosen = style or SourceStyle()
    return _apt(contents, chosen) if os_key == "ubuntu" else _yum(contents, chosen)


def _apt(contents: Sequence[RepoContent], style: SourceStyle) -> dict[str, str]:
    sources = [content.source for content in contents]
    for source in sources:
        require_apt_form(source)
    pins = apt_pins(resolve(contents), native=style.native)
    files = {APT_PREFERENCES: "\n".join(["# Written by fuel-upgrade.\n", *map(_pin, pins)])}
    options = [apt_options(s, sources[0], signed_by=style.signed_by) for s in sources]
    head = _HEAD + date_reasons(sources)
    if style.deb822:
        paragraphs = "\n".join([head, *map(_paragraph, sources, options)])
        return {APT_DEB822: paragraphs, APT_LIST: _MOVED, **files}
    return {APT_LIST: head + "".join(map(apt_line, sources, options)), **files}


def _paragraph(source: NodeSource, options: Sequence[AptOption]) -> str:
    fields = (
        ("Types", "deb"),
        ("URIs", source.url),
        ("Suites", str(source.suite)),
        *([("Components", " ".join(source.components))] if source.components else []),
        *options,
    )
    return "".join(f"{name}: {value}\n" for name, value in fields)


def _pin(pin: Pin) -> str:
    package = f"{pin.name}:{pin.architecture}"
    return f"Package: {package}\nPin: version {pin.version}\nPin-Priority: {pin.priority}\n"


def _yum(contents: Sequence[RepoContent], style: SourceStyle) -> dict[str, str]:
    excluded = yum_excludes(resolve(contents))
    ids = yum_ids([content.source for content in contents])
    sections = [
        _section(ids[number], content.source, excluded[number], style)
        for number, content in enumerate(contents)
    ]
    newest = next((n for n, content in enumerate(contents) if content.has_groups), len(contents))
    for number in range(newest + 1, len(contents)):
        # A diff repo has its release's groups whole; united with these, old ones would stay.
        sections[number] += "enablegroups=0\n"
    return {YUM_REPO: "\n".join(sections)}


def _section(
    section_id: str, source: NodeSource, excluded: Iterable[str], style: SourceStyle
) -> str:
    lines = [f"[{section_id}]", f"name={source.name}", f"baseurl={source.url}", "enabled=1"]
    if style.gpgkey:
        checks_metadata = int(source.signed)
        lines += ["gpgcheck=1", f"repo_gpgcheck={checks_metadata}", f"gpgkey={style.gpgkey}"]
    else:
        lines.append("gpgcheck=0")
    if listed := list(excluded):
        # yum of CentOS 6 knows no other name of this option; dnf takes it for its excludepkgs.
        lines.append("exclude=" + "\n  ".join(listed))
    return "".join(f"{line}\n" for line in lines)
