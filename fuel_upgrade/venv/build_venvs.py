"""Build the venvs of a spec, and publish them on a repo server."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.system.files import hash_file, make_folders, remove_empty, remove_tree
from fuel_upgrade.system.process import run
from fuel_upgrade.system.progress import Progress
from fuel_upgrade.venv.git_sources import GitSource
from fuel_upgrade.venv.interpreter import (
    Interpreter,
    Requires,
    platform_name,
    read_interpreter,
)
from fuel_upgrade.venv.python_tool import PackageIndex, PythonTool
from fuel_upgrade.venv.repo_store import RepoStore
from fuel_upgrade.venv.venv_index import Archive, VenvEntry, Wheel
from fuel_upgrade.venv.venv_spec import ServiceSpec, VenvSpec
from fuel_upgrade.venv.venv_tree import (
    DESCRIPTION,
    describe_files,
    normalize,
    pack,
    tree_digest,
    unpacked_bytes,
)
from fuel_upgrade.venv.wheel_names import choose_artifacts, lowest_glibc
from fuel_upgrade.venv.wheel_store import WheelStore

_COMPILE_TIMEOUT_S = 3600
_COMPILE = ("-q", "-j", "0", "--invalidation-mode", "unchecked-hash")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build: ``upgrade`` resolves anew although nothing in the spec changed."""

    index: PackageIndex
    only: tuple[str, ...] = ()
    upgrade: bool = False


@dataclass(frozen=True, slots=True)
class BuiltVenv:
    """A venv that is published; ``is_new`` if its archive was made by this build."""

    entry: VenvEntry
    is_new: bool


def build_venvs(  # noqa: PLR0913 - the spec and its folder, the repo and its tool
    spec: VenvSpec,
    folder: Path,
    root: Path,
    *,
    tool: PythonTool,
    options: BuildOptions,
    progress: Progress,
) -> tuple[BuiltVenv, ...]:
    """Build the venvs of ``spec`` and publish them in the repo ``root`` at once.

    Files that the spec names are relative to ``folder``. Wheels and venvs whose inputs are
    unchanged are not built again. After a failure nothing is published; the next build continues.

    Raises:
        ConfigError: the spec does not fit this builder, or requirements cannot be met.
        OutsideError: a tool failed, or a file cannot be fetched.
        PreflightError: another process builds into ``root``.
    """
    unknown = set(options.only) - set(spec.services)
    if unknown:
        raise ConfigError(
            f"the spec has no service {', '.join(sorted(unknown))}; it has "
            f"{', '.join(sorted(spec.services))}",
            remedy="name services of the spec",
        )
    store = RepoStore(root)
    names = options.only or tuple(spec.services)
    with store.locked(), _scratch(root) as scratch, _umask(0o022):
        builder = _Builder(
            spec=spec, folder=folder, store=store, tool=tool, options=options, scratch=scratch
        )
        built = []
        for number, name in enumerate(names):
            progress("building venvs", number, len(names))
            built.append(builder.build(name))
        progress("building venvs", len(names), len(names))
        store.publish(store.read_index().replaced(venv.entry for venv in built))
    return tuple(built)


class _Builder:
    """One build; the sources are built once for all services."""

    def __init__(  # noqa: PLR0913 - composed in one place
        self,
        *,
        spec: VenvSpec,
        folder: Path,
        store: RepoStore,
        tool: PythonTool,
        options: BuildOptions,
        scratch: Path,
    ) -> None:
        self._spec = spec
        self._store = store
        self._tool = tool
        self._options = options
        self._scratch = scratch
        self._interpreter = read_interpreter(spec.python)
        self._platform = platform_name(self._interpreter.machine)
        self._wheels = WheelStore(store, tool, self._interpreter, scratch)
        self._sources: dict[str, Wheel] = {}
        self._constraints = tuple(_lines(folder / name) for name in spec.constraints)
        self._published = {entry.key: entry for entry in store.read_index().entries}

    def build(self, name: str) -> BuiltVenv:
        """Build one venv, or return the published one if its inputs are the same."""
        service = self._spec.services[name]
        sources = tuple(self._source(source) for source in service.sources)
        known = self._published.get((self._spec.tag, self._platform, name))
        wheels = self._resolve(service, sources, known, self._scratch / f"lock-{name}")
        inputs = _digest(
            {
                "service": name,
                "tag": self._spec.tag,
                "directory": str(self._spec.directory),
                "interpreter": _inputs_of(self._interpreter),
                "tool": type(self._tool).__name__,
                "bytecode": self._spec.bytecode,
                "wheels": sorted(asdict(wheel).items() for wheel in wheels),
                "deploy": [service.check, service.units, service.reload],
            }
        )
        if known and known.inputs == inputs and self._store.is_whole(known.archive.sha256):
            return BuiltVenv(known, is_new=False)
        return BuiltVenv(self._make(name, service, wheels, inputs), is_new=True)

    def _source(self, name: str) -> Wheel:
        if name not in self._sources:
            git = GitSource(self._store.git, name, self._spec.sources[name])
            commit = git.fetch(online=self._options.index.online)
            inputs = f"git:{commit}:{self._spec.sources[name].subfolder}"
            wheel = self._wheels.known(inputs)
            if wheel is None:
                project = git.check_out(commit, self._scratch / f"git-{name}")
                wheel = self._wheels.build(project, inputs, self._options.index)
            self._sources[name] = wheel
        return self._sources[name]

    def _resolve(
        self, service: ServiceSpec, sources: tuple[Wheel, ...], known: VenvEntry | None, work: Path
    ) -> tuple[Wheel, ...]:
        """Return all wheels of a service: those of ``known``, if the requirements are the same."""
        requirements = self._requirements(service)
        constraints = self._all_constraints(service)
        if (
            known
            and not self._options.upgrade
            and (known.requirements, known.constraints) == (requirements, constraints)
            and set(sources) <= set(known.wheels)
            and all(self._store.is_whole(wheel.sha256) for wheel in known.wheels)
        ):
            return known.wheels
        work.mkdir()
        (work / "requirements.txt").write_text("\n".join((*requirements, "")))
        (work / "constraints.txt").write_text("\n".join((*constraints, "")))
        index = self._with_sources(sources, work / "sources")
        lock = self._tool.lock(
            work / "requirements.txt", work / "constraints.txt", self._interpreter.path, index
        )
        artifacts = choose_artifacts(lock, self._interpreter.tags)
        return self._wheels.fetch(artifacts, self._options.index)

    def _requirements(self, service: ServiceSpec) -> tuple[str, ...]:
        """Return the requirements of a service, with those on its sources, which are built."""
        wheels = (self._sources[source] for source in service.sources)
        return (*service.requirements, *(f"{w.package}=={w.version}" for w in wheels))

    def _all_constraints(self, service: ServiceSpec) -> tuple[str, ...]:
        return (*(line for lines in self._constraints for line in lines), *service.constraints)

    def _with_sources(self, sources: tuple[Wheel, ...], folder: Path) -> PackageIndex:
        own = self._wheels.folder_of(sources, folder)
        index = self._options.index
        return PackageIndex((own, *index.links), index.url, index.online)

    def _make(
        self, name: str, service: ServiceSpec, wheels: tuple[Wheel, ...], inputs: str
    ) -> VenvEntry:
        requires = Requires(
            self._interpreter.minor,
            str(self._interpreter.path),
            self._interpreter.abi,
            self._interpreter.machine,
            lowest_glibc((wheel.file for wheel in wheels), builder=self._interpreter.glibc),
        )
        entry = VenvEntry(
            service=name,
            tag=self._spec.tag,
            platform=self._platform,
            directory=str(self._spec.directory),
            inputs=inputs,
            tree="",
            archive=Archive("", "", 0),
            requires=requires,
            wheels=wheels,
            requirements=self._requirements(service),
            constraints=self._all_constraints(service),
            check=service.check,
            units=service.units,
            reload=service.reload,
        )
        return self._packed(entry)

    def _packed(self, entry: VenvEntry) -> VenvEntry:
        venv = self._spec.directory / entry.store_path
        with _new_folder(venv):
            self._fill(venv, entry)
            files = describe_files(venv)
            tree = tree_digest(files)
            description = {**_described(entry), "tree": tree, "files": files}
            text = json.dumps(description, indent=1, sort_keys=True) + "\n"
            (venv / DESCRIPTION).write_text(text)
            archive = self._scratch / f"{entry.service}.tgz"
            pack(venv, archive)
        packed = Archive(
            self._store.keep(archive), hash_file(archive, "sha1"), archive.stat().st_size
        )
        return replace(entry, tree=tree, archive=packed, unpacked_bytes=unpacked_bytes(files))

    def _fill(self, venv: Path, entry: VenvEntry) -> None:
        folder = self._wheels.folder_of(entry.wheels, self._scratch / f"wheels-{entry.service}")
        requirements = self._scratch / f"{entry.service}.txt"
        requirements.write_text(
            "".join(f"{w.package}=={w.version} --hash=sha256:{w.sha256}\n" for w in entry.wheels)
        )
        self._tool.make_venv(venv, self._interpreter.path)
        self._tool.install(venv, requirements, folder)
        if self._spec.bytecode:
            run(
                [str(venv / "bin/python"), "-m", "compileall", *_COMPILE, str(venv / "lib")],
                timeout_s=_COMPILE_TIMEOUT_S,
                env={"PYTHONHASHSEED": "0"},
            )
        normalize(venv, bytecode=self._spec.bytecode)


def _described(entry: VenvEntry) -> dict[str, Any]:
    """Return the facts that a venv carries; no digest of the archive, which contains them."""
    return {
        key: value
        for key, value in entry.to_json().items()
        if key not in ("archive", "tree", "unpacked_bytes", "releases")
    }


def _inputs_of(interpreter: Interpreter) -> list[str]:
    return [str(interpreter.path), interpreter.minor, interpreter.abi, interpreter.machine]


def _digest(data: dict[str, Any]) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"constraints: {path}: {error}", remedy="correct the spec") from error
    return tuple(line for line in map(str.strip, text.splitlines()) if line and line[0] != "#")


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """Give a new folder on the file system of the repo; remove those of killed builds before."""
    for old in root.glob(".work-*"):
        remove_tree(old)
    path = Path(tempfile.mkdtemp(prefix=".work-", dir=root))
    try:
        yield path
    finally:
        remove_tree(path)


@contextmanager
def _new_folder(venv: Path) -> Iterator[None]:
    """Have the path of a venv for a build, which must be the path of the hosts; then remove it.

    Raises:
        ConfigError: the path is in use by a deployed venv, or cannot be written.
    """
    if (venv / DESCRIPTION).exists():
        raise ConfigError(
            f"{venv}: a deployed venv is there", remedy="build on a machine that runs no venvs"
        )
    try:
        remove_tree(venv)
        created = make_folders(venv.parent)
    except OSError as error:
        raise ConfigError(
            f"{venv.parent}: {error.strerror}: a venv is built at the path where it runs",
            remedy="make this folder writable, or change directory in the spec",
        ) from error
    try:
        yield
    finally:
        remove_tree(venv)
        remove_empty(reversed(created))


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    """Have files of all programs with one mode: the modes are in the wheels that they build."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
