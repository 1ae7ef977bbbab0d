"""Groups, modules and advisories for yum repos, and repos in every form of metadata."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import createrepo_c

COMPRESSIONS = {
    "gz": createrepo_c.GZ_COMPRESSION,
    "xz": createrepo_c.XZ_COMPRESSION,
    "zst": createrepo_c.ZSTD_COMPRESSION,
    "bz2": createrepo_c.BZ2_COMPRESSION,
}
FILES = {"group": "comps.xml", "modules": "modules.yaml", "updateinfo": "updateinfo.xml"}


def comps(groups: Mapping[str, Iterable[str]]) -> str:
    """Return ``comps.xml`` with these groups of mandatory packages."""
    text = ""
    for name, packages in groups.items():
        expected = "".join(f'<packagereq type="mandatory">{p}</packagereq>' for p in packages)
        shown = "<default>true</default><uservisible>true</uservisible>"
        head = f"<id>{name}</id><name>{name}</name><description/>{shown}"
        text += f"<group>{head}<packagelist>{expected}</packagelist></group>\n"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<comps>\n{text}</comps>\n'


def stream(module: str, name: str, *artifacts: str, version: int = 1) -> str:
    """Return the document of a module's stream, whose profile ``common`` is its namesake."""
    listed = "".join(f"    - {artifact}\n" for artifact in artifacts)
    return (
        f"---\ndocument: modulemd\nversion: 2\ndata:\n  name: {module}\n  stream: {name}\n"
        f"  version: {version}\n  context: c0ffee42\n  arch: x86_64\n  summary: {module} {name}\n"
        "  description: a module\n  license:\n    module: [MIT]\n"
        "  dependencies:\n  - requires:\n      platform: []\n"
        f"  profiles:\n    common:\n      rpms: [{module}]\n"
        f"  artifacts:\n    rpms:\n{listed}...\n"
    )


def default(module: str, name: str = "", modified: int = 202001010000) -> str:
    """Return the document that names a module's default stream, or none."""
    chosen = f"  stream: {name}\n  profiles:\n    {name}: [common]\n" if name else ""
    head = "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n"
    return f"{head}  module: {module}\n  modified: {modified}\n{chosen}...\n"


def advisory(name: str, *packages: str, title: str = "title", kind: str = "security") -> str:
    """Return an advisory about packages, each ``name-[epoch:]version-release``."""
    listed = "".join(map(_advised, packages))
    return (
        f'<update from="x" status="final" type="{kind}" version="1"><id>{name}</id>'
        f'<title>{title}</title><issued date="2014-01-01 00:00:00"/><severity>Low</severity>'
        "<description>text</description><pkglist><collection short='c'><name>c</name>"
        f"{listed}</collection></pkglist></update>\n"
    )


def _advised(text: str) -> str:
    name, version, release = text.rsplit("-", 2)
    epoch, _, plain = version.rpartition(":")
    return (
        f'<package name="{name}" epoch="{epoch or 0}" version="{plain}" release="{release}"'
        f' arch="noarch"><filename>{name}-{plain}-{release}.noarch.rpm</filename></package>'
    )


def updates(*advisories: str) -> str:
    """Return ``updateinfo.xml``."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n'
    return f"{head}{''.join(advisories)}</updates>\n"


def rewrite(
    root: Path,
    extras: Mapping[str, str],
    *,
    compression: str = "gz",
    checksum: str = "sha256",
    suffix: str = "",
    edits: Mapping[str, Callable[[str], str]] | None = None,
    without: str = "",
) -> Path:
    """Write a repo's metadata anew in that form, with files beyond those of the packages.

    ``checksum`` is as ``repomd.xml`` spells it; ``suffix`` goes behind the kinds of ``extras``;
    ``edits`` change the text of a kind; ``without`` is a kind that is left out.
    """
    folder = root / "repodata"
    records = {r.type: root / r.location_href for r in _repomd(root).records}
    plain = {}
    for kind in ("primary", "filelists", "other"):
        plain[kind] = folder / f"{kind}.xml"
        createrepo_c.decompress_file(
            str(records[kind]), str(plain[kind]), createrepo_c.AUTO_DETECT_COMPRESSION
        )
        records[kind].unlink()
    for kind, text in extras.items():
        plain[kind + suffix] = folder / FILES[kind]
        plain[kind + suffix].write_text(text)
    for kind, edit in (edits or {}).items():
        plain[kind].write_text(edit(plain[kind].read_text()))
    if without:
        plain.pop(without).unlink()
    repomd = createrepo_c.Repomd()
    repomd.set_revision("1")
    for kind, path in plain.items():
        packed = path.with_name(f"{path.name}.{compression}")
        createrepo_c.compress_file(str(path), str(packed), COMPRESSIONS[compression])
        path.unlink()
        repomd.set_record(_record(kind, packed, checksum))
    (folder / "repomd.xml").write_text(repomd.xml_dump())
    return root


def _record(kind: str, path: Path, checksum: str) -> createrepo_c.RepomdRecord:
    record = createrepo_c.RepomdRecord(kind, str(path))
    record.fill(createrepo_c.SHA256)
    record.timestamp = 1
    name = "sha1" if checksum == "sha" else checksum
    with path.open("rb") as file:
        record.checksum = hashlib.file_digest(file, name).hexdigest()
    record.checksum_type = checksum
    return record


def _repomd(root: Path) -> createrepo_c.Repomd:
    return createrepo_c.Repomd(str(root / "repodata/repomd.xml"))


def listed(root: Path) -> dict[str, tuple[str, str]]:
    """Return file name and kind of checksum of each entry of ``repomd.xml``."""
    return {r.type: (r.location_href, r.checksum_type) for r in _repomd(root).records}
