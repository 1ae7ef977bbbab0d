"""The work for nodes grows with their packages, and not faster than n log n."""

from collections.abc import Callable

import pytest

from fuel_upgrade.nodes.chain_content import RepoContent
from fuel_upgrade.nodes.exact_sources import render_exact
from fuel_upgrade.nodes.installed_packages import Installed
from fuel_upgrade.nodes.package_plan import Chain, plan_node
from fuel_upgrade.nodes.sources import NodeSource
from fuel_upgrade.repo.package import Package, RepoKind
from tests.builders import package
from tests.growth import assert_all_n_log_n, lines_of

N = 64
DIFF = NodeSource("diff", "http://h/diff", "precise", ("main",))
BASE = NodeSource("base", "http://h/base", "precise", ("main",))
Packages = list[Package]


def names(n: int, content: str) -> Packages:
    return [package(f"p{k}", content=f"{content} {k}") for k in range(n)]


def versions(n: int, content: str) -> Packages:
    return [package("p", f"1.{k}", f"{content} {k}") for k in range(n)]


@pytest.mark.parametrize("make", [names, versions])
def test_sources_and_plans_of_a_node(make: Callable[[int, str], Packages]) -> None:
    def count(n: int) -> dict[str, int]:
        same, old, new = make(n, "same"), make(2 * n, "old")[n:], make(3 * n, "new")[2 * n :]
        apt = [RepoContent(DIFF, tuple(new), tuple(same)), RepoContent(BASE, (*same, *old))]
        yum_sources = (NodeSource(source.name, source.url, None, ()) for source in (DIFF, BASE))
        yum = [
            RepoContent(source, content.packages, content.inherited)
            for source, content in zip(yum_sources, apt, strict=True)
        ]
        held = {p.name: Installed(p.name, p.architecture, p.version) for p in (*same, *old)}
        chain = Chain(apt, RepoKind.APT)
        return {
            "apt sources": lines_of(lambda: render_exact("ubuntu", apt)),
            "yum sources": lines_of(lambda: render_exact("centos", yum)),
            "plan": lines_of(lambda: plan_node(held.values(), chain, {})),
        }

    assert_all_n_log_n(count, N)
