"""The JSON of a plan in the API and ``--json``. Pure."""

from collections.abc import Iterator
from typing import Any

from fuel_upgrade.bundle.manifest import RepoPart
from fuel_upgrade.bundle.verify import BundleHead
from fuel_upgrade.upgrade.plan.master import Master
from fuel_upgrade.upgrade.plan.plan import Plan
from fuel_upgrade.upgrade.review.api_calls import calls_json, count_calls
from fuel_upgrade.upgrade.review.disk_cost import Costs
from fuel_upgrade.upgrade.review.preconditions import FORMAT, Basis
from fuel_upgrade.upgrade.review.saved_plan import basis_json

_FULL = "A full repo: it does not build on another one."


def plan_json(
    head: BundleHead,
    master: Master,
    plan: Plan,
    *,
    basis: Basis,
    costs: Costs,
) -> dict[str, Any]:
    """Return the JSON of a plan; ``install --plan`` compares its ``basis``."""
    return {
        "plan_format": FORMAT,
        "tarball": str(head.path.absolute()),
        "seal_sha256": head.seal_sha256,
        "fuel_from": plan.fuel_from,
        "fuel_to": plan.fuel_to,
        "releases": list(_releases(head, master, plan)),
        "repos": [repo.to_json() for repo in head.repos],
        "packages": [_packages(head, repo) for repo in head.repos],
        "steps": [
            {"number": number, "kind": s.kind, "title": s.title, "undo": s.undo}
            for number, s in enumerate(plan.steps, 1)
        ],
        "read_bytes": head.size_bytes,
        "write_bytes": head.unpacked_bytes,
        "disks": [disk.to_json() for disk in costs.disks],
        "memory": costs.memory.to_json(),
        "running_tasks": [task.to_json() for task in master.running_tasks],
        "calls": calls_json(count_calls(plan.steps)),
        "basis": basis_json(basis),
    }


def _releases(head: BundleHead, master: Master, plan: Plan) -> Iterator[dict[str, Any]]:
    for release in head.releases:
        key = (release.version, release.os_key)
        match = master.bases.get(key)
        yield {
            "name": release.name,
            "version": release.version,
            "operating_system": release.operating_system,
            "base": head.diff_releases.get(release.version),
            "base_found": match.to_json() if match else None,
            "repos": [
                {"name": r.name, "location": r.location} for r in plan.orchestrators[key].repos
            ],
            "full_view": plan.views.get(key),
        }


def _packages(head: BundleHead, repo: RepoPart) -> dict[str, Any]:
    """Return the changes of one repo, with the number of names and architectures by kind."""
    key = {"version": repo.version, "operating_system": repo.os_key, "base": repo.base}
    description = head.descriptions.get((repo.version, repo.os_key))
    if description is None:
        counts = {"added": repo.full_packages}
        return {**key, "counts": counts, "inherited": 0, "changes": [], "note": _FULL}
    report = description.report(repo.place)
    has_changes = not report.note
    return {
        **key,
        "counts": report.counts if has_changes else dict(description.counts),
        "inherited": len(description.inherited),
        "changes": [change.to_json() for change in report.changes],
        "note": report.note,
    }
