"""A Nailgun of the 6.0 kind that returns a map of repos in another order than expected."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fuel_upgrade.errors import OutsideError, StepError
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.http_response import Answer
from fuel_upgrade.nailgun.transport import Body
from fuel_upgrade.system.progress import no_progress
from fuel_upgrade.upgrade.steps.step import World
from fuel_upgrade.upgrade.steps.unregister import Reregister
from tests.integration.test_bases import V51, V60, V61, tarball, write_inputs
from tests.master import ScratchMaster, scratch_master

Order = Callable[[list[str]], list[str]]


def prefixed_first(keys: list[str]) -> list[str]:
    """An order in which the plain version of the own repo is last."""
    return sorted(keys, key=lambda key: (not key.startswith("zz"), key))


def reverse(keys: list[str]) -> list[str]:
    return sorted(keys, reverse=True)


class Reordering(NailgunClient):
    """A client whose Nailgun answers with maps of repos in an order of its own."""

    order: Order

    def _ask(self, method: str, path: str, *, body: Body | None = None) -> Answer:
        answer = super()._ask(method, path, body=body)
        if not answer.body:
            return answer
        return replace(answer, body=json.dumps(self._reordered(answer.json())).encode())

    def _reordered(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._reordered(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        keys = self.order(list(value)) if V60 in "".join(value) else list(value)
        return {key: self._reordered(value[key]) for key in keys}


def reordering(master: ScratchMaster, order: Order) -> ScratchMaster:
    """Return the same master, whose Nailgun has this order."""
    client = Reordering(master.settings, master_ip=master.config.master_ip)
    client.order = order
    return replace(master, client=client)


def names(master: ScratchMaster, version: str) -> list[list[str]]:
    """Return the names of the repos of each release, in the order in which Nailgun returns them."""
    bodies = [
        master.client.release_body(release.id)
        for release in master.client.releases()
        if release.version == version
    ]
    return [
        [key.partition("-")[2] for key in body["orchestrator_data"]["repo_metadata"]]
        for body in bodies
    ]


def test_other_keys_are_chosen_if_the_base_comes_back_first(tmp_path: Path) -> None:
    inputs = write_inputs(tmp_path / "inputs")
    with scratch_master(tmp_path / "master") as plain:
        master = reordering(plain, prefixed_first)
        master.install(tarball(inputs, "5.1", ["5.0"]))
        master.install(tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
        assert names(master, V60) == [[V60, V51], [V60, V51]]
        before = master.state().releases
        master.install(tarball(inputs, "6.1", ["6.0"], ("6.0", V60)))
        assert names(master, V61) == [[V61, V60, V51], [V61, V60, V51]]
        master.engine().rollback()
        assert master.state().releases == before


def test_an_order_that_no_keys_give_fails_the_install_and_leaves_nothing(tmp_path: Path) -> None:
    inputs = write_inputs(tmp_path / "inputs")
    with scratch_master(tmp_path / "master") as plain:
        master = reordering(plain, reverse)
        master.install(tarball(inputs, "5.1", ["5.0"]))
        before = master.state()
        with pytest.raises(StepError, match=f"in the order {V51}, {V60}, expected {V60}, {V51}"):
            master.install(tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
        assert master.state() == before


def test_a_change_of_repos_keeps_their_order(tmp_path: Path) -> None:
    inputs = write_inputs(tmp_path / "inputs")
    with scratch_master(tmp_path / "master") as plain:
        plain.install(tarball(inputs, "5.1", ["5.0"]))
        plain.install(tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
        release = next(r for r in plain.client.releases() if r.version == V60)
        assert release.orchestrator is not None
        step = Reregister(release.id, replace(release.orchestrator, puppet_modules_source="other"))
        master = reordering(plain, prefixed_first)
        world = World(master.client, no_progress)
        step.apply(step.inspect(world), world)
        assert [V60, V51] in names(master, V60)


def test_a_change_of_repos_that_no_keys_keep_in_order_is_undone(tmp_path: Path) -> None:
    inputs = write_inputs(tmp_path / "inputs")
    with scratch_master(tmp_path / "master") as plain:
        plain.install(tarball(inputs, "5.1", ["5.0"]))
        plain.install(tarball(inputs, "6.0", ["5.1"], ("5.1", V51)))
        release = next(r for r in plain.client.releases() if r.version == V60)
        assert release.orchestrator is not None
        step = Reregister(release.id, replace(release.orchestrator, puppet_modules_source="other"))
        world = World(reordering(plain, reverse).client, no_progress)
        facts = step.inspect(world)
        with pytest.raises(OutsideError, match=f"in the order {V51}, {V60}"):
            step.apply(facts, world)
        step.revert(facts, world)
        assert plain.client.release(release.id) == release
