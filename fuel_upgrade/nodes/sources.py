"""Render the repos of a release as source files of apt and yum on a node. Pure."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.nodes.apt_policy import USUAL_POLICY, AptPolicy
from fuel_upgrade.release.chain import newest_first
from fuel_upgrade.release.model import RegisteredRelease, RepoEntry
from fuel_upgrade.repo.apt.suite_path import is_flat

# apt reads sources.list.d in the order of the names; a repo in an earlier file takes precedence.
APT_LIST = "etc/apt/sources.list.d/00-fuel-upgrade.list"
APT_PREFERENCES = "etc/apt/preferences.d/fuel-upgrade.pref"
YUM_REPO = "etc/yum.repos.d/fuel-upgrade.repo"
ASTUTE_APT_LIST = "etc/apt/sources.list"
ASTUTE_YUM_REPO = "etc/yum.repos.d/nailgun.repo"

# apt_preferences(5): above 1000 a version is taken even if that is a downgrade.
_PIN_OF_FULL_REPO = 1000
_LAST_YUM_PRIORITY = 99
_UNSAFE_IN_YUM_ID = re.compile(r"[^A-Za-z0-9_.:-]")  # dnf refuses a repo with any of these
_RESERVED_YUM_IDS = ("main",)  # dnf.conf(5): the section of dnf itself
_SPACE_OR_CONTROL = re.compile(r"[\s\x00-\x1f\x7f]")
# In a pin apt splits at commas and reads globs and /regex/; quoting does not help (apt 2.6.2).
_NOT_PLAIN_IN_PIN = re.compile(r"[,*?\[\]\x00-\x1f\x7f]|^/")
_DATE_REASONS = (
    ("Check-Valid-Until", "the Valid-Until of a shipped repo cannot be renewed"),
    ("Check-Date", "the Date of a base is later than that of the release"),
)
AptOption = tuple[str, str]
"""An option of a source, by its name in deb822."""
_SCHEMES = ("http", "https", "file")
_FORMS = {
    "ubuntu": "URL SUITE COMPONENT..., as in 'http://10.20.0.2:8080/ubuntu/x86_64 precise main',"
    " or URL FOLDER/ of a flat repo, as in 'http://10.20.0.2:8080/ubuntu ./'",
    "centos": "URL, as in 'http://10.20.0.2:8080/centos/x86_64'",
}


@dataclass(frozen=True, slots=True)
class NodeSource:
    """One repo as a node sees it. A sequence of these is a chain, newest repo first, full last.

    ``suite`` is None for yum; ``components`` is empty for yum and for a flat repo, whose suite ends
    with a slash (sources.list(5)). ``label``, ``origin``, ``signed`` and ``policy`` describe the
    repo (``fetch_identity`` reads them); ``signed`` means that a signature exists, not that it was
    checked.

    Raises:
        ConfigError: the url, suite or a component has a space, or the name a line break.
    """

    name: str
    url: str
    suite: str | None
    components: tuple[str, ...]
    label: str = ""
    origin: str = ""
    signed: bool = False
    policy: AptPolicy = USUAL_POLICY

    @property
    def place(self) -> str:
        """The address as in a line of apt, or the URL of a yum repo."""
        return " ".join((self.url, *([self.suite] if self.suite else []), *self.components))

    @property
    def entry(self) -> RepoEntry:
        """The repo as a release names it."""
        return RepoEntry(self.name, self.place)

    def __post_init__(self) -> None:
        words = (self.url, *self.components, *([] if self.suite is None else [self.suite]))
        spoilt = [word for word in words if not word or _SPACE_OR_CONTROL.search(word)]
        if spoilt or not self.name.isprintable() or not self.name.strip():
            raise ConfigError(
                f"repo {self.name!r}: {(spoilt or [self.name])[0]!r} fits into no sources file",
                remedy="give a url, suite and components without spaces and a name of one line",
            )


def from_release(release: RegisteredRelease) -> tuple[NodeSource, ...]:
    """Return the chain of a release: its own repo, then its base's, and so on.

    Raises:
        ConfigError: the release has no repos.
    """
    if release.orchestrator is None or not release.orchestrator.repos:
        raise ConfigError(
            f"release {release.name} ({release.version}) is registered without repos",
            remedy="install the release again, or give the repos with --repos",
        )
    repos = newest_first(release.version, release.orchestrator.repos)
    return tuple(_from_entry(entry) for entry in repos)


def parse_repo_argument(text: str, os_key: str) -> NodeSource:
    """Read ``URL`` (yum) or ``URL suite component...`` (apt) as an operator writes it.

    The name is made from the path of the URL: ``2014.2-6.0-centos-x86_64``.

    Raises:
        ConfigError: the form is not the one of that operating system, or the url has no scheme
            that a node's package manager and this program both read.
    """
    form = _FORMS[os_key]
    url, *place = text.split() or [""]
    if not _has_form(url, place, os_key):
        raise ConfigError(
            f"repo {text!r} is not of the form {form}",
            remedy=f"write it as {form}; the url begins with {', '.join(_SCHEMES)}",
        )
    parts = urlsplit(url)
    name = "-".join(PurePosixPath(parts.path.strip("/")).parts) or parts.netloc
    return NodeSource(name, url, place[0] if place else None, tuple(place[1:]))


def render_apt(
    sources: Sequence[NodeSource], *, unread: Collection[NodeSource] = ()
) -> dict[str, str]:
    """Return the sources list and the preferences, relative path to text, of a chain.

    Two rules together make every package come from the newest repo that has it:

    - all repos are in one file, newest first: where two repos hold the same version, apt sees one
      version with two sources and takes the first listed; pins have no say (sources.list(5));
    - each repo but the last is pinned above 1000, falling along the chain, so that its versions
      win even where that is a downgrade (apt_preferences(5)). The last keeps apt's own 500.

    The preferences are written even when they hold no pin, to replace those of a longer chain.
    ``/etc/apt/sources.list`` is read first: a repo of the chain that stays there as well breaks
    the order. Repos of ``unread`` are not known to have a label, and get no pin.

    Raises:
        ConfigError: a repo lacks suite or components, or pins cannot tell the repos apart.
    """
    for source in sources:
        require_apt_form(source)
    pinned = {
        position: source for position, source in enumerate(sources[:-1]) if source not in unread
    }
    for newer in pinned.values():
        _require_own_label(newer, sources)
    pins = [
        _apt_pin(source, _PIN_OF_FULL_REPO + len(sources) - 1 - position)
        for position, source in pinned.items()
    ]
    head = "# Written by fuel-upgrade; the order of the lines is part of the meaning.\n"
    head += date_reasons(sources)
    lines = "".join(apt_line(source, apt_options(source, sources[0])) for source in sources)
    preferences = "\n".join(["# Written by fuel-upgrade.\n", *pins])
    return {APT_LIST: head + lines, APT_PREFERENCES: preferences}


def render_yum(sources: Sequence[NodeSource]) -> dict[str, str]:
    """Return the repo file, relative path to text, of a chain.

    ``priority`` rises along the chain: the lowest number wins whatever the versions are
    (dnf.conf(5); on CentOS 6 the package yum-plugin-priorities does it).
    """
    ids = yum_ids(sources)
    sections = [
        f"[{ids[position]}]\nname={source.name}\nbaseurl={source.url}\nenabled=1\ngpgcheck=0\n"
        f"priority={_yum_priority(position, len(sources))}\n"
        for position, source in enumerate(sources)
    ]
    return {YUM_REPO: "\n".join(sections)}


def render_astute(os_key: str, repos: Sequence[RepoEntry]) -> dict[str, str]:
    """Return the files of Astute 6.0, byte for byte: without pins or priorities.

    ``repos`` is the map of a release in Nailgun's order; names are its keys.

    Source: lib/astute/pre_deployment_actions/update_repo_sources.rb of fuel-astute 6.0.
    """
    if os_key == "ubuntu":
        return {ASTUTE_APT_LIST: "\n".join(f"deb {repo.location}" for repo in repos)}
    sections = (
        f"[{repo.name.lower()}]\nname={repo.name}\nbaseurl={repo.location}\ngpgcheck=0"
        for repo in repos
    )
    return {ASTUTE_YUM_REPO: "\n".join(sections)}


def _from_entry(entry: RepoEntry) -> NodeSource:
    return NodeSource(entry.name, entry.url, entry.suite, entry.components)


def _has_form(url: str, place: Sequence[str], os_key: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    complete = _is_apt_place(*place) if os_key == "ubuntu" else not place
    somewhere = parts.path if parts.scheme == "file" else parts.netloc
    return complete and parts.scheme in _SCHEMES and bool(somewhere)


def _is_apt_place(suite: str = "", *components: str) -> bool:
    return bool(suite) and is_flat(suite) != bool(components)


def require_apt_form(source: NodeSource) -> None:
    """Raise ConfigError if a source cannot be written as a line of apt."""
    if not _is_apt_place(source.suite or "", *source.components) or "#" in source.url:
        raise ConfigError(
            f"repo {source.name}: {source.url} is not of the form {_FORMS['ubuntu']}",
            remedy="give the suite and the components of the repo, or the folder of a flat repo"
            " with a slash at its end, and a url without '#'",
        )


def _require_own_label(newer: NodeSource, sources: Sequence[NodeSource]) -> None:
    """Refuse a repo whose pin would match nothing, or also another repo of the chain."""
    if not newer.label or any(map(_NOT_PLAIN_IN_PIN.search, (newer.label, newer.origin))):
        raise ConfigError(
            f"repo {newer.name} ({newer.url}) cannot be pinned: its Release has "
            f"Label {newer.label!r} and Origin {newer.origin!r}, expected plain words",
            remedy="make the repo with 'fuel-upgrade repo diff', which gives it a label of its own",
        )
    for other in sources:
        if other is not newer and _pin_matches(newer, other):
            raise ConfigError(
                f"repos {newer.name} and {other.name} have the same Label {newer.label!r}: "
                "apt's pins cannot tell them apart",
                remedy="make the newer repo with 'fuel-upgrade repo diff', "
                "which gives it a label of its own",
            )


def _pin_matches(pinned: NodeSource, other: NodeSource) -> bool:
    """Return whether the pin of one repo matches another; apt ignores case in pins."""
    same_label = other.label.casefold() == pinned.label.casefold()
    return same_label and pinned.origin.casefold() in ("", other.origin.casefold())


def apt_options(
    source: NodeSource, newest: NodeSource, *, signed_by: str = ""
) -> tuple[AptOption, ...]:
    """Return the options of a source, see sources.list(5); ``signed_by`` is the path of a key."""
    if not source.signed:
        return (("Trusted", "yes"), *_date_options(source, newest))
    return (*((("Signed-By", signed_by),) if signed_by else ()), *_date_options(source, newest))


def _date_options(source: NodeSource, newest: NodeSource) -> tuple[AptOption, ...]:
    """Return the options by which apt accepts the dates of a repo if it accepts the newest one.

    A shipped Release whose ``Valid-Until`` is over cannot be renewed. A ``Date`` in the future is
    accepted later than that of the newest repo only if it is later.
    """
    if source.policy.is_later_than(newest.policy):
        return (("Check-Date", "no"),)  # apt does not check Valid-Until then
    return (("Check-Valid-Until", "no"),) if source.policy.expires else ()


def date_reasons(sources: Sequence[NodeSource]) -> str:
    """Return the lines of comment that give the reasons for the date options of a chain."""
    used = {name for source in sources for name, _ in _date_options(source, sources[0])}
    return "".join(f"# {name}: {reason}\n" for name, reason in _DATE_REASONS if name in used)


def apt_line(source: NodeSource, options: Sequence[AptOption]) -> str:
    """Return the line of a source in the form of lists."""
    words = " ".join(f"{name.lower()}={value}" for name, value in options)
    return f"deb [{words}] {source.place}\n" if words else f"deb {source.place}\n"


def _apt_pin(source: NodeSource, priority: int) -> str:
    origin = f",o={source.origin}" if source.origin else ""
    return f"Package: *\nPin: release l={source.label}{origin}\nPin-Priority: {priority}\n"


def yum_ids(sources: Sequence[NodeSource]) -> tuple[str, ...]:
    """Return an id for each section: unique, of allowed characters."""
    taken = list(_RESERVED_YUM_IDS)
    for source in sources:
        safe_name = _UNSAFE_IN_YUM_ID.sub("-", source.name)
        candidates = (f"{safe_name}-{number}" for number in range(2, len(taken) + 3))
        taken.append(next(c for c in (safe_name, *candidates) if c not in taken))
    return tuple(taken[len(_RESERVED_YUM_IDS) :])


def _yum_priority(position: int, length: int) -> int:
    """10, 20, … and 99 for the last; steps of one where ten would not fit below 99."""
    if position == length - 1:
        return max(_LAST_YUM_PRIORITY, length)
    step = 10 if 10 * (length - 1) < _LAST_YUM_PRIORITY else 1
    return step * (position + 1)
