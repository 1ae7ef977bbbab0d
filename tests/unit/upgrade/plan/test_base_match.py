"""A base is content: any release with all inherited packages can be the base of a diff."""

from dataclasses import replace

import pytest

from fuel_upgrade.bundle.repair_request import RepairRequest, RequestedRepo
from fuel_upgrade.bundle.seal import SealedFile, SealedFiles
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.repo.package import Package
from fuel_upgrade.upgrade.plan.base_match import (
    BaseMatch,
    Held,
    Need,
    bases_inside,
    candidates,
    find_base,
    find_inside,
    needs,
    repair_request,
    sealed_checksums,
)
from tests.builders import package
from tests.plan_inputs import bundle_head, description, repo_part

V51, V511, V60 = "2014.1.1-5.1", "2014.1.3-5.1.1", "2014.2-6.0"
PACKAGES = (package("keep"), package("libvirt", content="y"))
NEED = Need(V60, "ubuntu", V51, "sha256", PACKAGES)


def release(version: str, system: str = "Ubuntu", *repos: str) -> RegisteredRelease:
    entries = tuple(RepoEntry(v, f"http://m/{v}") for v in repos or (version,))
    return RegisteredRelease(1, f"R {version}", version, system, "available",
                             OrchestratorData(entries, "", ""))  # fmt: skip


def versions(*registered: RegisteredRelease, replaced: str = "") -> list[str]:
    return [r.version for r in candidates(registered, NEED, frozenset({replaced}))]


def test_the_named_base_comes_first_and_then_the_newest() -> None:
    actual = versions(release("2013-5.0"), release(V511), release("x-10.0"), release(V51))
    assert actual == [V51, "x-10.0", V511, "2013-5.0"]


def test_another_system_and_the_release_itself_are_no_base() -> None:
    assert versions(release(V51, "CentOS"), release(V60)) == []


def test_a_release_on_a_repo_that_the_tarball_replaces_is_no_base() -> None:
    later = release("2014.2-6.0.1", "Ubuntu", "2014.2-6.0.1", V60)
    assert versions(later, release(V51), replaced=f"http://m/{V60}") == [V51]


def look(missing: dict[str, tuple[Package, ...]], **more: object) -> object:
    return lambda actual: Held(actual, missing[actual.version], **more)  # type: ignore[arg-type]


def test_a_release_that_lacks_nothing_is_the_base_and_reported() -> None:
    lacks = {V51: PACKAGES[:1], V511: ()}
    match = find_base(NEED, [release(V51), release(V511)], look(lacks))  # type: ignore[arg-type]
    assert match.accepted
    assert match.replaces_named
    assert match.to_json() == {"named": V51, "found": V511, "inside": False, "inherited": 2}


def test_a_refusal_names_the_packages_that_the_closest_base_lacks() -> None:
    lacks = {V51: PACKAGES, V511: PACKAGES[1:]}
    match = find_base(NEED, [release(V51), release(V511)], look(lacks))  # type: ignore[arg-type]
    assert (match.accepted, match.missing) == (False, PACKAGES[1:])


def test_a_base_with_a_broken_repo_serves_nothing() -> None:
    broken = look({V51: ()}, faults=((RepoEntry(V51, "u"), "is not there"),))
    match = find_base(NEED, [release(V51)], broken)  # type: ignore[arg-type]
    assert (match.accepted, match.missing) == (False, PACKAGES)


def test_a_repo_elsewhere_is_believed_of_the_named_base_alone() -> None:
    away = look({V51: PACKAGES, V511: PACKAGES}, elsewhere=(RepoEntry("x", "u"),))
    assert find_base(NEED, [release(V51)], away).accepted  # type: ignore[arg-type]
    assert not find_base(NEED, [release(V511)], away).accepted  # type: ignore[arg-type]


def test_a_diff_that_inherits_nothing_needs_no_base() -> None:
    match = find_base(Need(V60, "ubuntu", V51, "sha256", ()), [], look({}))  # type: ignore[arg-type]
    assert (match.accepted, match.release) == (True, None)


SEALED = replace(
    bundle_head((repo_part(V51, None), repo_part(V60, V51))),
    descriptions={
        (V60, "ubuntu"): replace(description(), inherited=(PACKAGES[0].identity("sha256"),))
    },
)


def sealed_with(*packages: Package) -> BundleHead:
    folder = repo_part(V51, None).folder
    files = {f"{folder}/{p.location}": SealedFile(1, p.digest("sha256")) for p in packages}
    return replace(SEALED, sealed=SealedFiles.of(files))


def test_each_diff_repo_of_a_tarball_has_a_need() -> None:
    (only,) = needs(SEALED)
    assert (only.version, only.named, only.algorithm) == (V60, V51, "sha256")
    assert [str(p) for p in only.inherited] == [str(PACKAGES[0])]


def inside(need: Need, head: BundleHead) -> BaseMatch:
    return find_inside(need, head, sealed_checksums(head, bases_inside(head)))


def test_only_the_checksums_of_bases_are_collected() -> None:
    head = sealed_with(*PACKAGES)
    sums = {p.digest("sha256") for p in PACKAGES}
    assert sealed_checksums(head, bases_inside(head)) == {repo_part(V51, None).folder: sums}
    assert not bases_inside(bundle_head((repo_part(V51, None),)))


def test_a_base_in_the_tarball_is_compared_by_the_checksums_of_the_seal() -> None:
    assert inside(NEED, sealed_with(*PACKAGES)).accepted
    match = inside(NEED, sealed_with(PACKAGES[0]))
    assert (match.accepted, match.missing) == (False, PACKAGES[1:])
    assert match.to_json()["found"] == V51


def test_a_diff_base_in_the_tarball_also_has_the_packages_that_it_inherits() -> None:
    inherits = replace(description(), inherited=(PACKAGES[1].identity("sha256"),))
    head = replace(sealed_with(PACKAGES[0]), descriptions={(V51, "ubuntu"): inherits})
    assert inside(NEED, head).accepted


def test_a_base_in_the_tarball_is_accepted_where_checksums_cannot_be_compared() -> None:
    head = replace(sealed_with(), descriptions={(V51, "ubuntu"): description()})
    assert inside(replace(NEED, algorithm="md5"), head).accepted
    other = replace(description(), algorithm="md5", inherited=(PACKAGES[0].identity("md5"),))
    head = replace(sealed_with(*PACKAGES), descriptions={(V51, "ubuntu"): other})
    assert inside(NEED, head).accepted


def test_a_repair_request_lists_the_refused_bases_alone() -> None:
    key = (V60, "ubuntu")
    refused = BaseMatch(NEED, accepted=False, missing=PACKAGES[:1])
    request = repair_request(SEALED, {key: refused}, "5.1")
    assert request is not None
    assert [(repo.base, repo.missing) for repo in request.repos] == [(V51, PACKAGES[:1])]
    assert repair_request(SEALED, {key: BaseMatch(NEED, accepted=True)}, "5.1") is None


REQUEST = RepairRequest(
    "6.0", "5.1.1", "fuel-6.0.tar", "ab",
    (RequestedRepo(V60, "ubuntu", V51, "sha256:1", "sha256:2", "sha256",
                   tuple(Package(p.name, p.architecture, p.version, 0, "",
                                 (("sha256", p.digest("sha256")),)) for p in PACKAGES)),),
)  # fmt: skip


def test_a_request_survives_the_way_to_the_build_side() -> None:
    text = REQUEST.render()
    assert RepairRequest.parse(text, source="r.yaml") == REQUEST
    assert "missing: |\n    keep all 1.0-1 " in text


@pytest.mark.parametrize(
    ("old", "new"),
    [("format: 1", "format: 2"), ("algorithm: sha256", "algorithm: crc"), ("all 1.0-1", "all"),
     ("seal_sha256", "seal"), ("format: 1", "- x")],
)  # fmt: skip
def test_a_malformed_request_is_refused(old: str, new: str) -> None:
    with pytest.raises(ConfigError, match=r"r\.yaml"):
        RepairRequest.parse(REQUEST.render().replace(old, new), source="r.yaml")
