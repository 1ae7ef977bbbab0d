"""The work of pure planning grows with its input, and not faster than n log n."""

from pathlib import Path

from fuel_upgrade.release.model import OrchestratorData, RegisteredRelease, RepoEntry
from fuel_upgrade.upgrade.multi.candidates import offer
from fuel_upgrade.upgrade.releases.gc_plan import Candidate, reasons
from tests.growth import assert_all_n_log_n, lines_of
from tests.plan_inputs import bundle_head, plan_of, ready_master, repo_part

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
