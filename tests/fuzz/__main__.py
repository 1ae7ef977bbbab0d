"""Fuzz one target: ``python -m tests.fuzz TARGET FOLDER --seconds CPU_SECONDS``.

libFuzzer (atheris) mutates the inputs that reached new branches of this project. The run goes on
after a finding and ends after so many seconds of CPU time, so that a loaded machine makes as many
tries as an idle one. FOLDER gets the corpus, the findings and ``report.json``.
"""

import argparse
import importlib
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import atheris

#: The modules whose branches guide the mutations.
_INSTRUMENTED = ["fuel_upgrade", "debian.deb822"]
_ENOUGH_FINDINGS = 50
_INPUT_CPU_S = 2.0
_INPUT_MIB = 64
#: The ends of a run that cannot go on: a call into C that never returns, and all memory taken.
_HANG_S = 120
_ADDRESS_SPACE_BYTES = 4 << 30
_RAW_SHARE = 0.1  # of the inputs: mutated without regard to their form


@dataclass(slots=True)
class Finding:
    """An exception that is no refusal, or a bound that was exceeded, with its smallest input."""

    key: str
    text: str
    data: bytes
    times: int = 1


@dataclass(slots=True)
class Report:
    """The result of a run."""

    target: str
    executions: int = 0
    refused: int = 0
    cpu_s: float = 0.0
    start_mib: int = 0
    peak_mib: int = 0
    slowest_cpu_s: float = 0.0
    corpus: int = 0
    findings: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write ``report.json``."""
        (folder / "report.json").write_text(json.dumps(asdict(self), indent=1) + "\n")


class Run:
    """Gives inputs to a target until its CPU time is over."""

    def __init__(self, name: str, target: Any, folder: Path, *, seconds: float) -> None:
        self._target = target
        self._folder = folder
        self._end_s = time.process_time() + seconds
        self._begun_s = time.process_time()
        self._findings: dict[str, Finding] = {}
        self._report = Report(name, start_mib=_peak_mib(), peak_mib=_peak_mib())

    def one_input(self, data: bytes) -> None:
        """Read one input; end the process after the last one."""
        began_s = time.process_time()
        try:
            self._target.read(data)
        except self._target.refusals:
            self._report.refused += 1
        except Exception as error:  # noqa: BLE001 - each is a finding
            self._add(_key_of(error), traceback.format_exc(), data)
        self._measure(data, time.process_time() - began_s)
        if time.process_time() > self._end_s or len(self._findings) >= _ENOUGH_FINDINGS:
            self.end()

    def mutate(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Mutate an input, mostly in its form."""

        def by_bytes(part: bytes) -> bytes:
            mutated: bytes = atheris.Mutate(part, max_size)
            return mutated

        chance = random.Random(seed)
        is_raw = chance.random() < _RAW_SHARE
        mutated: bytes = by_bytes(data) if is_raw else self._target.mutation(data, chance, by_bytes)
        return mutated[:max_size]

    def end(self) -> NoReturn:
        """Write the report and end the process: libFuzzer cannot be asked to return."""
        report = self._report
        report.cpu_s = round(time.process_time() - self._begun_s, 1)
        report.corpus = len(list((self._folder / "corpus").iterdir()))
        for number, finding in enumerate(self._findings.values(), 1):
            path = self._folder / f"finding-{number}"
            path.write_bytes(finding.data)
            path.with_suffix(".txt").write_text(finding.text)
            report.findings[finding.key] = f"{finding.times} times; {path}\n{finding.text}"
        report.write(self._folder)
        shutil.rmtree(tempfile.gettempdir())
        os._exit(1 if report.findings else 0)

    def _measure(self, data: bytes, cpu_s: float) -> None:
        report = self._report
        report.executions += 1
        report.slowest_cpu_s = max(report.slowest_cpu_s, round(cpu_s, 3))
        if cpu_s > _INPUT_CPU_S:
            self._add("too slow", f"{cpu_s:.1f} s of CPU time", data)
        peak_mib = _peak_mib()
        if peak_mib > report.peak_mib + _INPUT_MIB:
            self._add("too large", f"{peak_mib - report.peak_mib} MiB more than before", data)
        report.peak_mib = peak_mib

    def _add(self, key: str, text: str, data: bytes) -> None:
        known = self._findings.get(key)
        if known is None:
            self._findings[key] = Finding(key, text, data)
            return
        known.times += 1
        if len(data) < len(known.data):
            known.text, known.data = text, data


def _key_of(error: Exception) -> str:
    """Return the kind of an exception and its place: findings of one key are one fault."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/fuel_upgrade/" in frame.filename]
    places = [f"{Path(f.filename).name}:{f.lineno}" for f in (*own[-1:], frames[-1])]
    return f"{type(error).__name__} at {', '.join(dict.fromkeys(places))}"


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def _flags(target: Any, folder: Path, seed: int) -> list[str]:
    """Write seeds and dictionary, and return the arguments of libFuzzer."""
    corpus, seeds = folder / "corpus", folder / "seeds"
    for path in (corpus, seeds):
        path.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds):
        (seeds / str(number)).write_bytes(data)
    words = ('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in target.words)
    (folder / "dictionary").write_text("".join(words))
    return [
        f"-dict={folder / 'dictionary'}",
        f"-artifact_prefix={folder}/",
        f"-max_len={target.longest_bytes}",
        f"-timeout={_HANG_S}",
        "-rss_limit_mb=0",
        f"-seed={seed}",
        str(corpus),
        str(seeds),
    ]


def main() -> None:
    """Run the target of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--input", type=Path, help="read this one, and show what it raises")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0, help="0: another one at each run")
    options = parser.parse_args()
    tempfile.tempdir = tempfile.mkdtemp(prefix=f"fuzz-{options.target}-")
    with atheris.instrument_imports(include=_INSTRUMENTED):
        target = importlib.import_module(f"tests.fuzz.{options.target}").TARGET
    if options.input is not None:
        target.read(options.input.read_bytes())
        return
    flags = _flags(target, options.folder, options.seed)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    run = Run(options.target, target, options.folder, seconds=options.seconds)
    mutator = {"custom_mutator": run.mutate} if target.mutation else {}
    atheris.Setup([sys.argv[0], *flags], run.one_input, **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
