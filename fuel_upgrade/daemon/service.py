"""``fuel-upgraded``: composes the daemon, runs it and notifies systemd."""

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import FrameType

import click
import daemon
import structlog
import uvicorn

from fuel_upgrade import __version__
from fuel_upgrade.config import Config, NailgunSettings, Paths, read, settings_path
from fuel_upgrade.daemon import VERSION_HEADER
from fuel_upgrade.daemon.api import create_app
from fuel_upgrade.daemon.api_context import ApiContext, Connect
from fuel_upgrade.daemon.api_socket import listening
from fuel_upgrade.daemon.embedded_registry import EmbeddedRegistry, embedded_registry
from fuel_upgrade.daemon.health import health_port
from fuel_upgrade.daemon.jobs import Jobs
from fuel_upgrade.daemon.live_settings import LiveSettings
from fuel_upgrade.daemon.log import ERROR_PRIORITY, LineCounter, configure, is_journal
from fuel_upgrade.daemon.metrics import Metrics
from fuel_upgrade.daemon.preload import preload
from fuel_upgrade.daemon.reload import Reloader, apply_level
from fuel_upgrade.daemon.status_line import StatusLine, say_status
from fuel_upgrade.daemon.sweeper import Sweeper
from fuel_upgrade.daemon.systemd import Systemd
from fuel_upgrade.errors import (
    ControlPlaneError,
    PreflightError,
    UpgradeError,
)
from fuel_upgrade.nailgun.client import NailgunClient
from fuel_upgrade.nailgun.control_plane import ControlPlane
from fuel_upgrade.nailgun.credentials import others_can_read, read_access, read_password
from fuel_upgrade.nailgun.keystone import TokenKeeper
from fuel_upgrade.nailgun.transport import Call, Tracing
from fuel_upgrade.system.addresses import own_addresses, warn_of_address
from fuel_upgrade.system.heap import return_freed_memory, use_one_heap
from fuel_upgrade.system.http_limits import BoundedProtocol
from fuel_upgrade.system.locks import LockedPidFile
from fuel_upgrade.system.state_folder import claim_state_folder, make_private
from fuel_upgrade.upgrade.engine import Engine
from fuel_upgrade.upgrade.event_json import event_fields
from fuel_upgrade.upgrade.events import Event
from fuel_upgrade.upgrade.log_context import install_under_way
from fuel_upgrade.upgrade.transaction import recovery
from fuel_upgrade.upgrade.transaction.failpoints import VARIABLE, FailPoints

_NAILGUN_START_S = 120.0
_PATH = click.Path(path_type=Path)
_log = structlog.get_logger("fuel_upgrade.service")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "config_path", type=_PATH, help="The configuration file.")
@click.option(
    "--root",
    type=_PATH,
    help="Use this folder as the root of every path, also of the configuration.",
)
@click.option("--detach", is_flag=True, help="Go on in the background, with a locked pid file.")
@click.version_option(__version__, prog_name="fuel-upgraded")
def command(*, config_path: Path | None, root: Path | None, detach: bool) -> None:
    """Install upgrade tarballs on this master, as requested by fuel-upgrade.

    Listens on a unix socket. Without a Nailgun in its configuration it also runs the embedded
    release registry, on loopback. At its start it rolls back installs that a crash interrupted.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it means to read the settings again
    # whole, for they are read again on SIGHUP, and a daemon changes its folder
    root = root.absolute() if root else None
    config_path = config_path.absolute() if config_path else None
    read_config = partial(_read_config, config_path, root)
    live = LiveSettings(read_config(), read_config)
    config = live.config
    # by the file's own settings: the password may be from elsewhere by now
    written = read(config_path, root=root).nailgun
    open_file = _open_file(written, settings_path(config_path, root=root))
    fail_points = FailPoints(os.environ.get(VARIABLE, ""))
    os.umask(0o022)  # files that nginx serves must be readable; those of the state have own modes
    pid_file = LockedPidFile(config.paths.pid_file)
    _refuse_second(pid_file)
    opened = _close_to_others(config.paths)  # before the log is opened, and stderr closed
    if detach:
        # Relative paths are absolute by now.
        with daemon.DaemonContext(pidfile=pid_file, umask=0o022):
            run(live, fail_points, open_file=open_file, opened=opened)
    else:
        with pid_file:
            run(live, fail_points, open_file=open_file, opened=opened)


def _close_to_others(paths: Paths) -> tuple[Path, ...]:
    """Take the rights of other users on the state and the logs; return what they had rights on.

    Raises:
        PreflightError: the state is not this user's alone.
    """
    logs = sorted(paths.log.parent.glob(f"{paths.log.name}*"))
    return (*claim_state_folder(paths.state), *(log for log in logs if make_private(log)))


def _read_config(path: Path | None, root: Path | None) -> Config:
    """Read the settings and the password, from the place that they or the environment name.

    Raises:
        ConfigError: the settings or the password file are invalid.
    """
    config = read(path, root=root)
    if config.nailgun.url is None:
        return config
    return replace(config, nailgun=read_access(config.nailgun, os.environ).settings)


def main() -> None:
    """Run the command; errors become messages and exit codes."""
    try:
        command(standalone_mode=False)
    except UpgradeError as error:
        if structlog.is_configured():  # else there is no log yet
            _log.error("fuel-upgraded stops", **error.to_json())
        _report(error)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except PermissionError as error:
        _report(PreflightError(str(error), remedy="run it as root, or with --root DIR", state=""))
        sys.exit(PreflightError.exit_code)


def _report(error: UpgradeError) -> None:
    state = error.state or "fuel-upgraded does not run"
    lines = (f"error:  {error.what}", f"state:  {state}", f"remedy: {error.remedy}")
    priority = ERROR_PRIORITY if is_journal(sys.stderr, os.environ) else ""
    click.echo("\n".join(f"{priority}{line}" for line in lines), err=True)


def run(
    live: LiveSettings,
    fail_points: FailPoints,
    *,
    open_file: Path | None = None,
    opened: tuple[Path, ...] = (),
) -> None:
    """Serve until SIGTERM or SIGINT; a running install is rolled back first.

    ``open_file`` is a password file that other users can read, ``opened`` are the files that they
    could open until this start; the log warns about both.
    """
    use_one_heap()
    config, jobs = live.config, Jobs()
    metrics = Metrics(lambda: live.config, jobs)
    configure(config.paths.log, level=config.log_level)
    logging.getLogger().addHandler(LineCounter(metrics.count_line))
    preload()
    _warn(config, open_file)
    if opened:
        _log.warning(
            "other users had rights on files of the daemon, and have none any more",
            files=[str(path) for path in opened],
            remedy="see with fuser -v that no process of theirs still has one open",
        )
    systemd = Systemd()
    with ExitStack() as stack:
        keeper = TokenKeeper()  # a login costs Keystone a slow hash: one serves all requests
        embedded = None
        if config.nailgun.url is None:
            embedded = stack.enter_context(embedded_registry(config, keeper))
        clients = _Clients(live, embedded, keeper, Tracing(_traced(metrics), install_under_way))
        described = f"Nailgun at {config.nailgun.url}"
        if embedded is not None:
            described = f"embedded registry at {embedded.settings.url}"

        def apply(changed: Config) -> None:
            apply_level(changed)
            keeper.token, keeper.is_open = None, False  # it may be of another user

        reloader = Reloader(live, systemd, apply)
        service = ApiContext(
            read_config=lambda: live.config,
            connect=clients.connect,
            control_plane=described,
            jobs=jobs,
            fail_points=fail_points,
            metrics=metrics,
            reload=reloader.reload,
        )
        reloader.start()
        stack.enter_context(health_port(config, service.observed))
        listener = stack.enter_context(listening(config.paths.socket, config.socket_group))
        _recover(config, clients.connect)
        jobs.at_end(return_freed_memory)
        return_freed_memory()
        sweeper = Sweeper(jobs, service.discarded, service.sweep)
        with sweeper, StatusLine(jobs.status, systemd.notify):
            _serve(service, listener, systemd)
        jobs.wait()
    _log.info("stopped")


@dataclass(frozen=True, slots=True)
class _Clients:
    """Opens clients of the control plane with the current settings."""

    live: LiveSettings
    embedded: EmbeddedRegistry | None
    keeper: TokenKeeper
    tracing: Tracing

    def connect(self) -> NailgunClient:
        config = self.live.config
        return NailgunClient(
            self.embedded.settings if self.embedded else config.nailgun,
            master_ip=config.master_ip,
            keeper=self.keeper,
            tracing=self.tracing,
            read_settings=self._read_login if self.embedded is None else None,
            unix_socket=self.embedded.socket if self.embedded else None,
        )

    def _read_login(self) -> NailgunSettings:
        """Return the current login, from the reloaded settings and the password file."""
        nailgun = self.live.config.nailgun
        if nailgun.password_file is not None:
            nailgun = replace(nailgun, password=read_password(nailgun.password_file))
            self.live.set_login(nailgun)
        return nailgun


def _traced(metrics: Metrics) -> Callable[[Call], None]:
    """Return a tracer that counts requests and logs those that change something or fail."""

    def observe(call: Call) -> None:
        metrics.observe(call)
        is_telling = call.method != "GET" or call.status is None
        log = _log.info if is_telling else _log.debug
        log(
            "request",
            method=call.method,
            path=call.path,
            status=call.status,
            duration_s=round(call.duration_s, 3),
        )

    return observe


def _warn(config: Config, open_file: Path | None) -> None:
    if open_file is not None:
        _log.warning(
            "others than its owner can read the file with the password of Nailgun",
            file=str(open_file),
            remedy=f"chmod 600 {open_file}, or name a file of its own in nailgun.password_file",
        )
    if warning := warn_of_address(config, own_addresses()):
        _log.warning(warning)


def _open_file(settings: NailgunSettings, place: Path) -> Path | None:
    """Return the settings file if it has a password and other users can read it.

    The daemon starts all the same: other settings may be read by anybody, and commands of users
    other than root read the socket path there.
    """
    has_password = settings.password is not None or "@" in (settings.proxy or "")
    return place if has_password and others_can_read(place) else None


def _refuse_second(pid_file: LockedPidFile) -> None:
    """Refuse to start a second daemon, while stderr is still open."""
    try:
        with pid_file:
            return
    except BlockingIOError as error:
        raise PreflightError(
            f"another fuel-upgraded runs: {pid_file.path} is locked",
            remedy="stop it first, or talk to it with fuel-upgrade",
        ) from error


def _recover(config: Config, connect: Connect) -> None:
    def watch(event: Event) -> None:
        _log.warning(f"recovery: {event.kind}", **event_fields(event))

    with connect() as control:
        engine = Engine(config, control, discard_later=True)
        try:
            if engine.journal.fault() is None and recovery.unfinished(engine.journal):
                _wait_for(control)
            recovered = engine.recover(watch=watch)
        except UpgradeError as error:
            # The daemon must start all the same: the operator asks it for the state.
            _log.error("recovery failed", **error.to_json())
            return
    for record in recovered:
        _log.warning(
            f"{record.state.value} after a crash",
            install=record.id,
            note=record.note,
        )


def _wait_for(control: ControlPlane) -> None:
    """Wait for a Nailgun that starts at the same time as the daemon."""
    deadline = time.monotonic() + _NAILGUN_START_S
    while True:
        try:
            control.releases()
        except ControlPlaneError:
            if time.monotonic() > deadline:
                return  # recovery reports the cause
            time.sleep(1)
        else:
            return


class _Server(uvicorn.Server):
    """Notifies systemd of start and stop, and interrupts the running job on a signal."""

    def __init__(self, config: uvicorn.Config, jobs: Jobs, systemd: Systemd) -> None:
        super().__init__(config)
        self._jobs = jobs
        self._systemd = systemd

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._systemd.begin(say_status(None))
        _log.info("ready")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._systemd.end()
        self._jobs.interrupt()
        super().handle_exit(sig, frame)


def _serve(service: ApiContext, listener: socket.socket, systemd: Systemd) -> None:
    # uvicorn raises the signal again when it is done; by then there is nothing left to end.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    config = uvicorn.Config(
        create_app(service),
        http=BoundedProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        headers=[(VERSION_HEADER, __version__)],
    )
    _Server(config, service.jobs, systemd).run(sockets=[listener])
