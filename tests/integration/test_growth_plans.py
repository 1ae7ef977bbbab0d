"""The work of pure planning grows with its input, and not faster than n log n."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.cli.release.diff_command import Side, pair
from fuel_upgrade.errors import PreflightError
from fuel_upgrade.release.chain import in_order
from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.upgrade.multi.candidates import offer
from fuel_upgrade.upgrade.multi.order import Inherited, Offer, Present, find_order
from fuel_upgrade.upgrade.plan.base_match import Need, bases_inside, find_inside, sealed_checksums
from fuel_upgrade.upgrade.releases.gc_plan import Candidate, reasons
from tests.growth import assert_all_n_log_n, lines_of
from tests.plan_inputs import (
    bundle_head,
    described_release,
    need,
    plan_of,
    ready_master,
    repo_part,
)

N = 64


def candidate(number: int) -> Candidate:
    """A release that has the one before it as its base."""
    versions = [f"2014.2-6.0.{k}" for k in (number, max(number - 1, 0))]
    repos = tuple(RepoEntry(v, f"http://m/{v}/ubuntu") for v in versions)
    source = f"rsync://m:/puppet/{versions[0]}/modules/"
    data = OrchestratorData(repos, source, source)
    release = RegisteredRelease(number, f"R{number}", versions[0], "Ubuntu", "available", data)
    folders = [Path("/r", version) for version in versions]
    return Candidate(release, folders[0], frozenset(folders))


def test_the_reasons_to_keep_the_releases_of_a_chain() -> None:
    def count(n: int) -> dict[str, int]:
        chain = [candidate(number) for number in range(n)]
        weak = dict.fromkeys(range(n), "was not requested")
        return {
            "one is kept": lines_of(lambda: reasons(chain, {n - 1: "current"}, {})),
            "all are": lines_of(lambda: reasons(chain, {n - 1: "current"}, weak)),
        }

    assert_all_n_log_n(count, N)


def test_the_releases_of_a_tarball() -> None:
    def count(n: int) -> dict[str, int]:
        head = bundle_head(tuple(repo_part(f"2014.2-6.0.{k}", None) for k in range(n)))
        return {
            "offer": lines_of(lambda: offer(head, "fuel-6.0")),
            "plan": lines_of(lambda: plan_of(head, ready_master())),
        }

    assert_all_n_log_n(count, N)


def match_inside(sought: list[Need], head: BundleHead) -> None:
    checksums = sealed_checksums(head, bases_inside(head))
    for one in sought:
        find_inside(one, head, checksums)


def test_the_bases_within_a_tarball() -> None:
    """Each release is a diff of the one before."""

    def count(n: int) -> dict[str, int]:
        versions = [f"2014.2-6.0.{k}" for k in range(n)]
        bases = {version: versions[max(k - 1, 0)] for k, version in enumerate(versions)}
        first, *rest = versions
        releases = [described_release(version) for version in reversed(versions)]
        parts = (repo_part(first, None), *(repo_part(v, bases[v]) for v in rest))
        head = bundle_head(parts)
        sought = [need(version=v, named=bases[v]) for v in rest]
        return {
            "order": lines_of(lambda: in_order(releases, {v: bases[v] for v in rest}, source="m")),
            "bases": lines_of(lambda: match_inside(sought, head)),
        }

    assert_all_n_log_n(count, N)


def upgrade(number: int, base: str = "R-1", *, since: int | None = None) -> Offer:
    """A tarball of one diff release, which upgrades the one before it."""
    before = number - 1 if since is None else since
    own = frozenset({"same", f"of {number}"})
    return Offer(
        f"fuel-{number}",
        f"{number}",
        frozenset({f"{before}"}),
        f"seal {number}",
        {(f"R-{number}", "ubuntu"): own},
        (Inherited(base, "ubuntu", frozenset({"same"})),),
    )


def test_the_order_of_several_tarballs() -> None:
    present = Present("1", {("R-1", "ubuntu"): frozenset({"same"})})

    def lines(offers: list[Offer]) -> int:
        def order() -> None:
            with suppress(PreflightError):
                find_order(offers, present)

        return lines_of(order)

    def count(n: int) -> dict[str, int]:
        numbers = range(2, n + 2)
        return {
            "a chain": lines([upgrade(k, f"R-{k - 1}") for k in numbers]),
            "one base for all": lines([upgrade(k) for k in numbers]),
            "from one version": lines([upgrade(k, since=1) for k in numbers]),
            "the first is missing": lines([upgrade(k + 1) for k in numbers]),
            "many of one version": lines(
                [replace(upgrade(2), seal=f"{k}", name=f"copy {k}") for k in numbers]
            ),
        }

    assert_all_n_log_n(count, N)


def test_the_releases_of_two_files_in_pairs() -> None:
    def count(n: int) -> dict[str, int]:
        sides = [Side(f"{k}", f"{k}", "ubuntu", {}, is_registered=False) for k in range(n)]
        return {"pair": lines_of(lambda: pair(sides, sides))}

    assert_all_n_log_n(count, N)
