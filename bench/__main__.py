"""``python -m bench``: prints ratios to references of the same run, and writes them as JSON."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from compileall import compile_dir
from pathlib import Path

import fuel_upgrade
from bench.docs import PAGE, write_page
from bench.machine import facts
from bench.measure import in_turns
from bench.results import Result
from bench.scale import FULL, QUICK, cache_folder
from bench.scenarios import SCENARIOS, scenarios


def main() -> None:
    """Measure; with ``--quick`` end with 1 if a limit is exceeded."""
    options = _parse()
    compile_dir(Path(fuel_upgrade.__file__).parent, quiet=1)  # as an installed program is
    scale = QUICK if options.quick else FULL
    cache_folder().mkdir(parents=True, exist_ok=True)
    # Beside the data sets: hard links need the same file system. The paths are short, because the
    # path of a daemon's socket is limited to 107 bytes.
    scratch = Path(tempfile.mkdtemp(prefix="s-", dir=cache_folder()))
    machine = facts(scratch)
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    results: list[Result] = []
    try:
        for scenario in scenarios(scale, tuple(options.scenarios)):
            place = scratch / str(len(results))
            usages = in_turns(scenario, place, options.rounds, settled=not options.quick)
            results.append(Result(scenario, usages))
            print(f"\n{scenario.title} ({scenario.name})\n{results[-1].text()}", flush=True)
            machine["load_after"] = round(os.getloadavg()[0], 2)
            _write(options, machine, results)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    sys.exit("\n".join(line for result in results for line in _beyond(options, result)) or 0)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--rounds", type=int, help="counted rounds: 5, or 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="small data sets, checked by limits")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--docs", action="store_true", help=f"write the figures into {PAGE.name}")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    return options


def _beyond(options: argparse.Namespace, result: Result) -> list[str]:
    return result.beyond_limits() if options.quick else []


def _write(options: argparse.Namespace, machine: dict[str, object], results: list[Result]) -> None:
    """Write the figures so far, so that an interrupted run leaves some."""
    if options.docs:
        write_page(machine, options.rounds, results)
    path = PAGE.with_suffix(".json") if options.docs else options.json
    if path is not None:
        figures = {
            "machine": machine,
            "rounds": options.rounds,
            "scenarios": [result.to_json() for result in results],
        }
        path.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
