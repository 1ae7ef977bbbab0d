"""A scratch master for tests: the real engine, client and registry below a temporary root."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from fuel_upgrade.bundle.pack import build_bundle
from fuel_upgrade.bundle.spec import parse_spec
from fuel_upgrade.config import Config, NailgunSettings
from fuel_upgrade.daemon.response_models.plan_forms import OrderForm, plan_form
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.keystone import TokenKeeper
from fuel_upgrade.registry.api.app import create_app
from fuel_upgrade.registry.release_store import Store
from fuel_upgrade.registry.server import RegistryServer
from fuel_upgrade.system.files import hash_file
from fuel_upgrade.system.tree_digest import digest, walk
from fuel_upgrade.upgrade.engine import Engine, new_id
from fuel_upgrade.upgrade.install_all import PlannedOrder
from fuel_upgrade.upgrade.plan.master import read_fuel_version
from fuel_upgrade.upgrade.records import ChangeRecord
from fuel_upgrade.upgrade.review.earlier_install import NothingToDo
from fuel_upgrade.upgrade.review.review import Review
from fuel_upgrade.upgrade.transaction.failpoints import FailPoints

Wrap = Callable[[Store, ASGIApp], ASGIApp]


@dataclass(frozen=True, slots=True)
class State:
    """Everything that an undone install must leave as it was."""

    tree: str
    releases: tuple[object, ...]
    notifications: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class ScratchMaster:
    """A master of some Fuel version, with the embedded registry answering on loopback."""

    root: Path
    config: Config
    store: Store
    client: NailgunClient
    settings: NailgunSettings

    def engine(self, fail_points: str = "") -> Engine:
        return Engine(self.config, self.client, fail_points=FailPoints(fail_points))

    def install(self, tarball: Path, *, fail_points: str = "") -> ChangeRecord:
        return self.engine(fail_points).install(tarball, install=new_id())

    def killed(self, work: Callable[[Engine], object], fail_points: str) -> None:
        """Run ``work`` in another process, which a fail point ends as SIGKILL does."""

        def run() -> None:
            with NailgunClient(
                self.settings, master_ip=self.config.master_ip
            ) as client:  # no connection is shared
                work(Engine(self.config, client, fail_points=FailPoints(fail_points)))

        process = multiprocessing.get_context("fork").Process(target=run)
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL

    def state(self) -> State:
        return State(
            digest(self.root, without=self.own()),
            self.client.releases(),
            self.client.notifications(),
        )

    def content(self, install: str) -> State:
        """Return the state without times and ids, which differ in each install."""
        files = "\n".join(
            f"{path.relative_to(self.root)} {_describe(path)}".replace(install, "ID")
            for path in walk(self.root, without=self.own())
        )
        return State(
            files,
            tuple(replace(release, id=0) for release in self.client.releases()),
            tuple(replace(message, id=0) for message in self.client.notifications()),
        )

    def own(self) -> list[Path]:
        """Return the paths that no undo restores: the journal, the log, the socket, a lock."""
        paths = self.config.paths
        return [paths.state, paths.log, paths.socket.parent, paths.venvs / ".lock"]


def _describe(path: Path) -> str:
    mode = f"{path.lstat().st_mode:o}"
    if path.is_symlink():
        return f"{mode} {path.readlink()}"
    return f"{mode} {hash_file(path)}" if path.is_file() else mode


def write_fuel_version(root: Path, version: str) -> None:
    file = root / f"etc/fuel/{version}/version.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f'VERSION: {{release: "{version}"}}\n')
    (root / "etc/fuel/version.yaml").symlink_to(f"{version}/version.yaml")


@contextmanager
def scratch_master(
    root: Path, *, fuel_version: str = "5.0", dialect: str = "6.0", wrap: Wrap | None = None
) -> Iterator[ScratchMaster]:
    """Make a master below ``root`` and start it; its Nailgun is of the line of ``dialect``."""
    write_fuel_version(root, fuel_version)
    with started_master(root, dialect=dialect, wrap=wrap) as master:
        yield master


@contextmanager
def upgraded_master(root: Path, tarball: Path) -> Iterator[ScratchMaster]:
    """Make and start a master on which a tarball is installed, without backups of the install."""
    with scratch_master(root) as master:
        master.install(tarball)
        master.engine().release_backups()  # else the next install does
        yield master


@contextmanager
def started_master(
    root: Path, *, dialect: str = "6.0", wrap: Wrap | None = None
) -> Iterator[ScratchMaster]:
    """Start the master that is below ``root``, with the registry that it has there.

    ``wrap`` puts other answers before those of the registry.
    """
    config = Config(master_ip="127.0.0.1", disk_reserve_mb=1).under(root)
    config.paths.state.mkdir(parents=True, exist_ok=True)
    with closing(Store.open(f"sqlite:///{config.paths.registry}", hash_blocks=2)) as store:
        if not store.accounts.users():
            store.accounts.add_user("admin", "admin")
        token, _ = store.accounts.issue_token(1)
        app = create_app(
            store,
            master_ip="127.0.0.1",
            fuel_version=lambda: read_fuel_version(config),
            dialect=dialect,
        )
        with RegistryServer(wrap(store, app) if wrap else app, "127.0.0.1", 0) as server:
            settings = NailgunSettings(url=server.url, dialect=dialect, retries=0, timeout_s=120)
            keeper = TokenKeeper(token)
            with NailgunClient(settings, master_ip=config.master_ip, keeper=keeper) as client:
                yield ScratchMaster(root, config, store, client, settings)


def build(spec: Path, out: Path) -> Path:
    """Build the tarball that a bundle.yaml describes."""
    build_bundle(parse_spec(spec.read_text(), source=spec), out, progress=lambda *_: None)
    return out


def planned(plan: Review | NothingToDo | PlannedOrder) -> dict[str, Any]:
    """Return a plan as the API shows it."""
    form = OrderForm.of_order(plan) if isinstance(plan, PlannedOrder) else plan_form(plan)
    return form.to_json()
