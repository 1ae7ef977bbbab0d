"""Makes small real packages and the repos that serve them.

Packages are stored uncompressed and without a clock in them: one recipe gives one sequence of
bytes, and contents of equal length give files of equal size (the case that apt tells apart by
checksum alone). Lengths must differ by more than 10 KiB to make debs of different size, as tar
fills up to that block.
"""

import gzip
import lzma
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fuel_upgrade.system import process

_TIMEOUT_S = 120.0
_BUILDERS = 2
_REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "1416000000"}
_DEB_ARCHITECTURES = {"noarch": "all", "x86_64": "amd64", "i686": "i386"}
_RPM_ARCHITECTURES = {deb: rpm for rpm, deb in _DEB_ARCHITECTURES.items()}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One package to build.

    ``content`` is the text of ``/usr/share/<name>/content`` on a node; ``version`` is
    ``[epoch:]version[-release]``; ``architecture`` takes the words of either packaging system.
    """

    name: str
    version: str
    content: str
    architecture: str = "all"
    depends: tuple[str, ...] = ()
    component: str = "main"

    @property
    def deb_architecture(self) -> str:
        """The architecture as dpkg spells it: ``all``, ``amd64``."""
        return _DEB_ARCHITECTURES.get(self.architecture, self.architecture)

    @property
    def rpm_architecture(self) -> str:
        """The architecture as rpm spells it: ``noarch``, ``x86_64``."""
        return _RPM_ARCHITECTURES.get(self.architecture, self.architecture)

    @property
    def deb_file(self) -> str:
        """The file name of the deb; the epoch is no part of it."""
        version = self.version.split(":", 1)[-1]
        return f"{self.name}_{version}_{self.deb_architecture}.deb"

    @property
    def pool_folder(self) -> str:
        """The folder in an apt repo: ``pool/<component>/<initial>/<name>``."""
        initial = self.name[:4] if self.name.startswith("lib") else self.name[0]
        return f"pool/{self.component}/{initial}/{self.name}"

    def rpm_version(self) -> tuple[str, str, str]:
        """Return epoch (may be empty), version and release (``1`` where not given)."""
        epoch, _, rest = self.version.rpartition(":")
        version, _, release = rest.partition("-")
        return epoch, version, release or "1"


def build_deb(recipe: Recipe, into: Path) -> Path:
    """Build one deb with dpkg-deb and return its path."""
    into.mkdir(parents=True, exist_ok=True)
    target = into / recipe.deb_file
    with TemporaryDirectory(prefix="deb-") as scratch:
        tree = Path(scratch) / "tree"
        _write(tree / "DEBIAN" / "control", _control(recipe))
        _write(tree / "usr" / "share" / recipe.name / "content", recipe.content)
        for folder in (p for p in [tree, *tree.rglob("*")] if p.is_dir()):
            folder.chmod(0o755)
        command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(target)]
        process.run(command, timeout_s=_TIMEOUT_S, env=_REPRODUCIBLE)
    return target


def build_rpm(recipe: Recipe, into: Path) -> Path:
    """Build one rpm with rpmbuild, from a spec made on the fly, and return its path."""
    into.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="rpm-") as scratch:
        top = Path(scratch)
        _write(top / "SOURCES" / "content", recipe.content)
        _write(top / "package.spec", _spec(recipe))
        command = ["rpmbuild", "-bb", "--quiet", "--target", recipe.rpm_architecture]
        for macro, value in _rpm_macros(top).items():
            command += ["--define", f"{macro} {value}"]
        process.run([*command, str(top / "package.spec")], timeout_s=_TIMEOUT_S, env=_REPRODUCIBLE)
        (built,) = (top / "RPMS").rglob("*.rpm")
        target = into / built.name
        target.write_bytes(built.read_bytes())
    return target


def build_debs(recipes: Iterable[Recipe], into: Path) -> tuple[Path, ...]:
    """Build many debs into one folder, in parallel."""
    return _in_parallel(lambda recipe: build_deb(recipe, into), recipes)


def build_rpms(recipes: Iterable[Recipe], into: Path) -> tuple[Path, ...]:
    """Build many rpms into one folder."""
    return _in_parallel(lambda recipe: build_rpm(recipe, into), recipes)


def make_apt_repo(  # noqa: PLR0913 - the fields of a Release, each with a default
    root: Path,
    recipes: Sequence[Recipe],
    *,
    suite: str = "precise",
    origin: str = "Fuel",
    label: str = "Fuel",
    architectures: Sequence[str] = ("amd64",),
) -> Path:
    """Make an apt repo with a pool and unsigned ``dists/<suite>``, and return its root.

    Packages of architecture ``all`` are listed for every architecture, as Debian does it.
    """
    _in_parallel(lambda recipe: build_deb(recipe, root / recipe.pool_folder), recipes)
    components = tuple(dict.fromkeys(recipe.component for recipe in recipes)) or ("main",)
    fields = {"Origin": origin, "Label": label, "Suite": suite, "Codename": suite}
    return index_apt_repo(root, fields, components, architectures)


def index_apt_repo(
    root: Path,
    fields: Mapping[str, str],
    components: Sequence[str] = ("main",),
    architectures: Sequence[str] = ("amd64",),
) -> Path:
    """Write the indexes of the debs in ``pool/<component>``, and return the repo's root.

    ``fields`` are those of the ``Release`` that do not follow from the packages.
    """
    suite = fields["Suite"]
    for component in components:
        (root / "pool" / component).mkdir(parents=True, exist_ok=True)
        for architecture in architectures:
            _write_packages(root, suite, component, architecture)
    counted = {"Components": " ".join(components), "Architectures": " ".join(architectures)}
    _write_release(root / "dists" / suite, {**fields, **counted})
    return root


def make_flat_repo(
    root: Path, recipes: Sequence[Recipe], *, folder: str = ".", label: str = "Fuel"
) -> Path:
    """Make a flat apt repo (``deb URL FOLDER/``), its debs beside ``Packages``; return its root."""
    build_debs(recipes, root / folder)
    command = ["apt-ftparchive", "packages", folder]
    _write_forms(root / folder, process.run(command, timeout_s=_TIMEOUT_S, cwd=root))
    _write_release(root / folder, {"Origin": "Fuel", "Label": label})
    return root


def make_yum_repo(root: Path, recipes: Sequence[Recipe]) -> Path:
    """Make a yum repo (``Packages/*.rpm`` and sha256, gzip ``repodata``) and return its root."""
    (root / "Packages").mkdir(parents=True, exist_ok=True)
    build_rpms(recipes, root / "Packages")
    return index_yum_repo(root)


def index_yum_repo(root: Path) -> Path:
    """Write the indexes of the rpms below a folder, and return it."""
    command = ["createrepo_c", "--quiet", "--checksum", "sha256", "--no-database"]
    compression = ["--compress-type", "gz", "--general-compress-type", "gz"]
    process.run([*command, *compression, str(root)], timeout_s=_TIMEOUT_S)
    return root


def _in_parallel(build: Callable[[Recipe], Path], recipes: Iterable[Recipe]) -> tuple[Path, ...]:
    with ThreadPoolExecutor(_BUILDERS) as pool:
        return tuple(pool.map(build, recipes))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def _control(recipe: Recipe) -> str:
    section = "misc" if recipe.component == "main" else f"{recipe.component}/misc"
    fields = {
        "Package": recipe.name,
        "Version": recipe.version,
        "Section": section,
        "Priority": "optional",
        "Architecture": recipe.deb_architecture,
        "Maintainer": "Fuel Demo <demo@example.com>",
        "Depends": ", ".join(recipe.depends),
        "Description": f"demo package {recipe.name}\n Holds one file, so that a node can show it.",
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def _spec(recipe: Recipe) -> str:
    epoch, version, release = recipe.rpm_version()
    requires = [_rpm_dependency(text) for text in recipe.depends]
    head = {
        "Name": recipe.name,
        "Epoch": epoch,
        "Version": version,
        "Release": release,
        "Summary": f"demo package {recipe.name}",
        "License": "Apache-2.0",
        "AutoReqProv": "no",
        "Source0": "content",
        "Requires": ", ".join(requires),
    }
    folder = f"/usr/share/{recipe.name}"
    return (
        "".join(f"{name}: {value}\n" for name, value in head.items() if value)
        + "%description\nHolds one file, so that a node can show it.\n"
        + f"%install\nmkdir -p %{{buildroot}}{folder}\ncp %{{SOURCE0}} %{{buildroot}}{folder}/\n"
        + f"%files\n%dir {folder}\n{folder}/content\n"
    )


def _rpm_dependency(text: str) -> str:
    """Turn ``name (>= 1.0)`` into ``name >= 1.0``; a bare name stays."""
    return re.sub(r"[()]", "", text)


def _rpm_macros(top: Path) -> dict[str, str]:
    """Everything under ``top``; no clock, host name or compressor in the result."""
    return {
        "_topdir": str(top),
        "_tmppath": str(top),
        "_dbpath": str(top / "db"),
        "_buildhost": "demo",
        "use_source_date_epoch_as_buildtime": "1",
        "clamp_mtime_to_source_date_epoch": "1",
        "_binary_payload": "w0.gzdio",
        "debug_package": "%{nil}",
    }


def _write_packages(root: Path, suite: str, component: str, architecture: str) -> None:
    folder = root / "dists" / suite / component / f"binary-{architecture}"
    command = ["apt-ftparchive", "--arch", architecture, "packages", f"pool/{component}"]
    _write_forms(folder, process.run(command, timeout_s=_TIMEOUT_S, cwd=root))


def _write_forms(folder: Path, text: str) -> None:
    _write(folder / "Packages", text)
    data = text.encode()
    (folder / "Packages.gz").write_bytes(gzip.compress(data, mtime=0))
    (folder / "Packages.xz").write_bytes(lzma.compress(data))


def _write_release(folder: Path, fields: Mapping[str, str]) -> None:
    release = folder / "Release"
    release.unlink(missing_ok=True)  # else it would list itself
    command = ["apt-ftparchive"]
    for name, value in fields.items():
        command += ["-o", f"APT::FTPArchive::Release::{name}={value}"]
    _write(release, process.run([*command, "release", str(folder)], timeout_s=_TIMEOUT_S))
