"""The running job in words."""

from datetime import datetime
from typing import Any

from fuel_upgrade.cli.progress_bar import Shown
from fuel_upgrade.outside_text import printable
from fuel_upgrade.system.times import say_time


def running_pairs(status: dict[str, Any]) -> dict[str, object]:
    """Return names and values about the running job, of this daemon or another process."""
    job = status["job"]
    if job is None:
        holder = status["locked_by"]
        return {"running": f"nothing here, but {printable(holder)}" if holder else "nothing"}
    pairs: dict[str, object] = {"running": f"{job['kind']}, job {job['id']}"}
    if tarball := job["tarball"]:
        pairs["tarball"] = (
            f"{tarball['number']} of {tarball['of']}: {printable(tarball['tarball'])}"
        )
    pairs["now"] = _doing(job)
    numbers = Shown(
        job["doing"],
        percent=job["percent"],
        done=job["bytes_done"],
        total=job["bytes_total"],
        bytes_per_s=job["bytes_per_s"],
        remaining_s=job["remaining_s"],
    ).numbers()
    pairs["progress"] = ", ".join(numbers)
    pairs["started"] = say_time(datetime.fromisoformat(job["started_at"]).timestamp())
    if job["waiting"]:
        pairs["waiting for it"] = ", ".join(job["waiting"])
    return {**pairs, "to follow it": "fuel-upgrade status --follow"}


def _doing(job: dict[str, Any]) -> str:
    step, doing = job["step"], printable(job["doing"])
    if step is None:
        return doing
    title = printable(step["title"])
    if job["going_back"]:
        return f"undoing step {step['number']}, {title}"
    of = f" of {step['of']}" if step["of"] else ""
    activity = "" if doing == title else f": {doing}"
    return f"step {step['number']}{of}, {title}{activity}" + (
        ", then stop" if job["stopping"] else ""
    )
