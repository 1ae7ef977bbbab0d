"""Dependencies inside a release, by the rules of dpkg and rpm."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuel_upgrade.repo.apt.deb_relations import read_apt_requirements
from fuel_upgrade.repo.apt.stanza import parse_package
from fuel_upgrade.repo.package import RepoKind
from fuel_upgrade.repo.proof.dependencies import DependencyReport, check
from fuel_upgrade.repo.repo import Entry
from fuel_upgrade.repo.requirements import Need, Offer, PackageSet, Relation, Requirements
from fuel_upgrade.repo.version import compare_deb, compare_rpm
from tests.builders import quickly
from tests.growth import assert_n_log_n, lines_of


def entry(
    name: str, fields: str = "", version: str = "1.0-1", index: str = "amd64", arch: str = "all"
) -> Entry:
    text = (
        f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\n"
        f"Filename: pool/{name}.deb\nSize: 1\nSHA256: aa\n{fields}"
    ).strip()
    return Entry(parse_package(text.encode(), source="x"), "main", index, text.encode())


def unmet(*entries: Entry) -> list[str]:
    report = check(read_apt_requirements(entries))
    return [one.need for one in report.unmet]


def test_a_malformed_dependency_is_unmet_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert unmet(entry("user", "Depends: a b\x1b]0;title\x07")) == ["a b\x1b]0;title\x07"]
    assert not caplog.records


LIB = entry("lib", version="1:2.0-1")


@pytest.mark.parametrize(
    ("field", "missing"),
    [
        ("Depends: lib", []),
        ("Depends: lib (>= 1:2.0), lib (<< 3:0)", []),
        ("Depends: lib (>= 2.1)", []),  # the epoch wins
        ("Depends: lib (= 2.0-1)", ["lib (= 2.0-1)"]),
        ("Depends: lib (>> 1:2.0-1)", ["lib (>> 1:2.0-1)"]),
        ("Depends: lib (< 1:2.0-1)", []),  # the old sign for <=
        ("Depends: nothing | lib", []),
        ("Depends: nothing | neither (>= 1)", ["nothing | neither (>= 1)"]),
        ("Pre-Depends: nothing", ["nothing"]),
        ("Recommends: nothing", []),
        ("Depends: lib,\n nothing", ["nothing"]),
        ("Depends: virtual", []),
        ("Depends: virtual (>= 1)", ["virtual (>= 1)"]),
        ("Depends: versioned (>= 3)", []),
        ("Depends: versioned (>= 4)", ["versioned (>= 4)"]),
        ("Depends: shell:any", []),
        ("Depends: lib:any", ["lib:any"]),
        ("Depends: lib:amd64", []),
    ],
)
def test_a_dependency_is_met_as_dpkg_sees_it(field: str, missing: list[str]) -> None:
    provider = entry("provider", "Provides: virtual, versioned (= 3.0)")
    shell = entry("shell", "Multi-Arch: allowed")
    assert unmet(LIB, provider, shell, entry("user", field)) == missing


def test_each_architecture_is_checked_by_its_own_index() -> None:
    user = "Depends: lib"
    entries = [LIB, entry("user", user), entry("user", user, index="i386")]
    report = check(read_apt_requirements(entries))
    assert [(one.package, one.architecture) for one in report.unmet] == [("user all 1.0-1", "i386")]


def test_the_index_for_all_architectures_belongs_to_each() -> None:
    entries = [entry("lib", index="all"), entry("user", "Depends: lib", index="amd64")]
    assert unmet(*entries) == []


def test_dependencies_on_another_architecture_are_unchecked() -> None:
    report = check(read_apt_requirements([entry("user", "Depends: lib:armhf")]))
    assert (len(report.unmet), [one.need for one in report.unchecked]) == (0, ["lib:armhf"])


def rpm(need: Relation | None, *offers: Offer) -> DependencyReport:
    needs = (Need(need.name, (need,)),) if need else (Need("(a if b)", ()),)
    user, provider = Requirements("user", needs, ()), Requirements("provider", (), offers)
    return check([PackageSet(RepoKind.YUM, "", (user, provider))])


@pytest.mark.parametrize(
    ("relation", "offer", "is_met"),
    [
        (Relation("a"), Offer("a", "1-1"), True),
        (Relation("a", ">=", "2"), Offer("a", "1-1"), False),
        (Relation("a", "=", "1"), Offer("a", "1-7"), True),  # no release is any release
        (Relation("a", "=", "1-2"), Offer("a", "1-7"), False),
        (Relation("a", "<<", "1:0"), Offer("a", "9-1"), True),
        (Relation("a", "<=", "1.0~rc1-1"), Offer("a", "1.0-1"), False),
        (Relation("a", ">>", "5"), Offer("a"), True),  # rpm lets a bare name meet any version
        (Relation("/bin/sh"), Offer("a", "1-1"), False),
        (Relation("/bin/sh"), Offer("/bin/sh"), True),
    ],
)
def test_a_dependency_is_met_as_rpm_sees_it(
    relation: Relation, offer: Offer, *, is_met: bool
) -> None:
    assert bool(rpm(relation, offer).unmet) is not is_met


def test_a_rich_dependency_is_reported_as_unchecked() -> None:
    report = rpm(None)
    assert (len(report.unmet), [one.need for one in report.unchecked]) == (0, ["(a if b)"])


def test_the_report_has_a_json_form() -> None:
    data = rpm(Relation("a")).to_json()
    assert data["unmet"] == [{"package": "user", "needs": "a", "architecture": ""}]
    assert (data["packages"], data["dependencies"]) == (2, 1)


VERSIONS = st.sampled_from(["1", "1-1", "1-2", "2", "2-1", "1:1-1", "1~a-1", "1.0"])
OPERATORS = ("", "<<", "<=", "=", ">=", ">>")
HOLDS: dict[str, Callable[[int], bool]] = {
    "<<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    "=": lambda order: order == 0,
    ">=": lambda order: order >= 0,
    ">>": lambda order: order > 0,
}


def meets(offer: Offer, relation: Relation, kind: RepoKind) -> bool:
    """The rule for one offer; the check must give the same for any number of them."""
    one, other = offer.version, relation.version
    if kind is RepoKind.APT:
        if relation.qualifier == "any" and not offer.crosses:
            return False
        if not relation.operator or one is None:
            return not relation.operator
        return HOLDS[relation.operator](compare_deb(one, other))
    if not relation.operator or one is None:
        return True
    if "-" not in one or "-" not in other:
        one, other = one.partition("-")[0], other.partition("-")[0]
    return HOLDS[relation.operator](compare_rpm(one, other))


@quickly
@given(
    st.sampled_from(RepoKind),
    st.lists(st.builds(Offer, st.just("x"), st.none() | VERSIONS, st.booleans()), max_size=4),
    st.builds(
        Relation, st.just("x"), st.sampled_from(OPERATORS), VERSIONS, st.sampled_from(["", "any"])
    ),
)
def test_many_offers_are_judged_as_each_alone(
    kind: RepoKind, offers: list[Offer], relation: Relation
) -> None:
    packages = (
        Requirements("a 1 amd64", (Need("x", (relation,)),), ()),
        Requirements("b 1 amd64", (), tuple(offers)),
    )
    report = check([PackageSet(kind, "amd64", packages)])
    assert bool(report.unmet) != any(meets(offer, relation, kind) for offer in offers)


@pytest.mark.parametrize("kind", RepoKind)
@pytest.mark.parametrize("operator", ["=", ">="])
def test_work_for_many_versions_of_one_name_grows_in_a_straight_line(
    kind: RepoKind, operator: str
) -> None:
    def work(n: int) -> int:
        needs = tuple(Need(f"x {k}", (Relation("x", operator, f"{n + k}-1"),)) for k in range(n))
        offers = tuple(Offer("x", f"{k}-1") for k in range(n))
        packages = (Requirements("a", needs, ()), Requirements("b", (), offers))
        return lines_of(lambda: check([PackageSet(kind, "amd64", packages)]))

    assert_n_log_n(work, 16)
