"""``/etc/fuel-upgrade/config.yaml`` as a frozen :class:`Config`; all faults reported at once."""

import re
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from fuel_upgrade.errors import ConfigError
from fuel_upgrade.settings_builder import SettingsBuilder

DEFAULT_PATH = Path("/etc/fuel-upgrade/config.yaml")
DIALECTS = ("auto", "6.0", "6.1")  # the form of repos in Nailgun; 6.1 means 6.1 to 9.x
KEYSTONE_VERSIONS = ("auto", "v2.0", "v3")
_LOOPBACK = ("127.0.0.1", "::1")
_SQLITE = "sqlite:///"  # an absolute path follows
_DATABASES = (f"{_SQLITE}/", "postgresql://", "postgresql+psycopg://")
# Values of these may contain a password, so no fault may quote them; "" is the whole file.
_SECRET = frozenset({"", "nailgun", "nailgun.password", "nailgun.proxy"})
_QUOTED = re.compile(r"'[^']*'")


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths on the master, all absolute."""

    repos: Path = Path("/var/www/nailgun")
    puppet: Path = Path("/etc/puppet")
    fuel: Path = Path("/etc/fuel")
    venvs: Path = Path("/var/www/nailgun/venvs")
    state: Path = Path("/var/lib/fuel_upgrade")
    log: Path = Path("/var/log/fuel_upgrade.log")
    socket: Path = Path("/run/fuel-upgrade/api.sock")
    pid_file: Path = Path("/run/fuel-upgrade/fuel-upgraded.pid")
    hooks: Path = Path("/etc/fuel-upgrade/hooks.d")

    @property
    def version_link(self) -> Path:
        """The link to the version file of the running Fuel."""
        return self.fuel / "version.yaml"

    @property
    def release_versions(self) -> Path:
        """The folder with the ``version.yaml`` of each release."""
        return self.fuel / "release_versions"

    @property
    def journal(self) -> Path:
        """The database of the journal."""
        return self.state / "journal.sqlite"

    @property
    def registry(self) -> Path:
        """The database of the embedded registry."""
        return self.state / "registry.sqlite"

    @property
    def registry_password(self) -> Path:
        """The daemon's password for the registry; only its owner can read the file."""
        return self.state / "registry.password"

    @property
    def lock(self) -> Path:
        """The lock of a running install."""
        return self.state / "install.lock"


@dataclass(frozen=True, slots=True)
class NailgunSettings:
    """Access to Nailgun. Without ``url`` the daemon runs the embedded registry.

    Credentials that are None come from the environment or are the defaults of Fuel, see
    ``nailgun.credentials`` and ``nailgun.keystone``.
    """

    url: str | None = None
    keystone_url: str | None = None
    keystone_version: str = "auto"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    password_file: Path | None = None
    tenant: str | None = None
    user_domain: str | None = None
    project_domain: str | None = None
    dialect: str = "auto"
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_s: float = 30.0
    deadline_s: float = 300.0
    retries: int = 5

    def under(self, root: Path) -> "NailgunSettings":
        """Return a copy with the paths moved below ``root``."""
        return replace(
            self,
            password_file=self.password_file and root / self.password_file.relative_to("/"),
            ca_file=self.ca_file and root / self.ca_file.relative_to("/"),
        )


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Address, Nailgun dialect and database of the embedded registry.

    Port 0 means any free port. ``database`` is a URL; the default is the file ``paths.registry``.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    dialect: str = "6.0"
    database: str | None = field(default=None, repr=False)


class Recovery(Enum):
    """The action for an install that a crash interrupted before its undo."""

    ROLLBACK = "rollback"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class RecoverySettings:
    """The action for unfinished installs, and its maximum number of attempts."""

    policy: Recovery = Recovery.ROLLBACK
    attempts: int = 3


@dataclass(frozen=True, slots=True)
class HookSettings:
    """Limits of hooks: after ``timeout_s`` a hook and its child processes are killed."""

    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """The TCP address of ``/health`` and ``/metrics``; without ``port`` only the socket."""

    host: str = "127.0.0.1"
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the daemon and the CLI."""

    master_ip: str = "10.20.0.2"
    repo_url: str = "http://{MASTER_IP}:8080"
    log_level: str = "info"
    socket_group: str = "fuel-upgrade"
    disk_reserve_mb: int = 64
    verify_base: bool = False
    full_view: bool = False
    keep_installs: int = 1
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
    paths: Paths = field(default_factory=Paths)
    nailgun: NailgunSettings = field(default_factory=NailgunSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)

    @property
    def root_url(self) -> str:
        """The URL of ``paths.repos`` for nodes, without a trailing slash."""
        return self.repo_url.replace("{MASTER_IP}", self.master_ip).rstrip("/")

    @property
    def registry_url(self) -> str:
        """The URL of the registry's database; it may contain a password."""
        return self.registry.database or f"{_SQLITE}{self.paths.registry}"

    def under(self, root: Path) -> "Config":
        """Return a copy with every path moved below ``root``."""
        moved = {f.name: root / getattr(self.paths, f.name).relative_to("/") for f in fields(Paths)}
        database = self.registry.database
        if database and database.startswith(_SQLITE):
            file = root / Path(database.removeprefix(_SQLITE)).relative_to("/")
            database = f"{_SQLITE}{file}"
        registry = replace(self.registry, database=database)
        nailgun = self.nailgun.under(root)
        return replace(self, paths=Paths(**moved), nailgun=nailgun, registry=registry)


def parse(text: str, *, source: str = str(DEFAULT_PATH)) -> Config:
    """Parse YAML into settings; missing settings have their defaults.

    Raises:
        ConfigError: the text has faults; the message lists all of them.
    """
    config, faults = parse_with_faults(text, source=source)
    if faults:
        raise ConfigError(
            f"{source}: " + "; ".join(faults), remedy=f"correct {source}, then try again"
        )
    return config


def parse_with_faults(text: str, *, source: str) -> tuple[Config, tuple[str, ...]]:
    """Parse YAML into settings and all faults; invalid settings have their defaults.

    Raises:
        ConfigError: the text is not YAML.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: an invalid date
        # no cause: it quotes the line, which may contain a password
        reason = f"{source}: not YAML: {_describe_yaml_error(error)}"
        raise ConfigError(reason, remedy=f"correct {source}") from None
    builder = SettingsBuilder(Config, secret=_SECRET)
    config: Config = builder.build({} if data is None else data)
    return config, (*builder.faults, *_check(config))


def read(path: Path | None, *, root: Path | None = None) -> Config:
    """Read the settings from ``path``, or from the default path, which may be missing.

    Raises:
        ConfigError: the named file is missing, or the file is unreadable or invalid.
    """
    file = settings_path(path, root=root)
    try:
        config = parse(file.read_text(encoding="utf-8"), source=str(file))
    except FileNotFoundError as error:
        if path is not None:
            raise ConfigError(
                f"{path}: no such file", remedy="name an existing file with --config"
            ) from error
        config = Config()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", remedy=f"make {file} readable text") from error
    return config.under(root) if root is not None else config


def settings_path(path: Path | None, *, root: Path | None = None) -> Path:
    """Return ``path``, or the default path of the settings below ``root``."""
    return path or ((root or Path("/")) / DEFAULT_PATH.relative_to("/"))


def fault_of_url(url: str, *, may_have_password: bool = False) -> str | None:
    """Return why an HTTP URL is invalid, or None. The URL is not quoted: it may hold a password."""
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port, unbalanced brackets
        is_whole = False
    if not is_whole or not url.isprintable() or " " in url:
        return "expected http:// or https:// and a host"
    if "@" in parts.netloc and not may_have_password:
        return "must not contain a user or password"
    return None


def _describe_yaml_error(error: Exception) -> str:
    """Return position and reason of an error without a quote of the text."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return type(error).__name__
    problem = _QUOTED.sub("'...'", error.problem or "cannot be read")
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem


def _check_nailgun(settings: NailgunSettings) -> list[str]:
    faults = []
    for name, value, known in (
        ("keystone_version", settings.keystone_version, KEYSTONE_VERSIONS),
        ("dialect", settings.dialect, DIALECTS),
    ):
        if value not in known:
            faults.append(f"{name}: expected {' or '.join(known)}, found {value!r}")
    for name, url in (("url", settings.url), ("keystone_url", settings.keystone_url)):
        if url is not None and (fault := fault_of_url(url)):
            faults.append(f"{name}: {fault}")
    if settings.proxy and (fault := fault_of_url(settings.proxy, may_have_password=True)):
        faults.append(f"proxy: {fault}")
    for name, path in (("password_file", settings.password_file), ("ca_file", settings.ca_file)):
        if path is not None and not path.is_absolute():
            faults.append(f"{name}: {path} is not absolute")
    faults += [
        f"{name}: must be above 0"
        for name in ("timeout_s", "deadline_s")
        if getattr(settings, name) <= 0
    ]
    if settings.retries < 0:
        faults.append("retries: must not be below 0")
    return [f"nailgun.{fault}" for fault in faults]


def _check(config: Config) -> list[str]:
    faults = [
        f"paths.{f.name}: {getattr(config.paths, f.name)} is not absolute"
        for f in fields(Paths)
        if not getattr(config.paths, f.name).is_absolute()
    ]
    if config.log_level not in {"debug", "info", "warning", "error"}:
        faults.append(f"log_level: {config.log_level!r} is not debug, info, warning or error")
    faults.extend(_check_nailgun(config.nailgun))
    if config.registry.dialect not in DIALECTS[1:]:
        faults.append(f"registry.dialect: {config.registry.dialect!r} is not 6.0 or 6.1")
    if config.keep_installs < 0:
        faults.append("keep_installs: must not be below 0")
    if config.recovery.attempts < 1:
        faults.append("recovery.attempts: must be at least 1")
    if config.hooks.timeout_s <= 0:
        faults.append("hooks.timeout_s: must be above 0")
    if not 0 <= config.registry.port < 1 << 16:
        faults.append("registry.port: must lie between 0 and 65535")
    if config.metrics.port is not None and not 0 <= config.metrics.port < 1 << 16:
        faults.append("metrics.port: must lie between 0 and 65535")
    if config.metrics.host not in _LOOPBACK:
        # there is no authentication: only programs of this host may read it
        faults.append("metrics.host: expected 127.0.0.1 or ::1")
    database = config.registry.database
    if database is not None and not database.startswith(_DATABASES):
        # the value is not shown: it may be a URL with a password
        faults.append(
            "registry.database: expected sqlite:////ABSOLUTE/PATH or "
            "postgresql+psycopg://USER@HOST/NAME"
        )
    return faults
