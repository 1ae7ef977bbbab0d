"""Tarballs whose seal and descriptions cost more than they say."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from tests.hostile.case import Case, case
from tests.hostile.raw_tar import PUPPET, REPO, VERSION, Tarball, seal_text, sealed

MIB = 1 << 20
UPGRADE = "upgrade/config/upgrade.yaml"
METADATA = "upgrade/releases/metadata.yaml"
RELEASE = f"upgrade/releases/{VERSION}.yaml"
_DESCRIBED = f"{REPO}/diff.yaml"
VENVS = f"upgrade/venvs/{VERSION}"
WHEEL = {"package": "a", "version": "1", "file": "a-1-py3-none-any.whl", "sha256": "ab" * 32}


def venv_entry(archive: bytes) -> dict[str, Any]:
    """Return an honest entry of the index of venvs; its wheel is that of the base."""
    sha256 = hashlib.sha256(archive).hexdigest()
    sums = {"sha256": sha256, "sha1": "0" * 40, "size_bytes": len(archive)}
    needs = dict.fromkeys(("python", "interpreter", "abi", "machine", "glibc"), "")
    names = {"service": "api", "tag": "1", "platform": "debian-12-x86_64", "directory": "/v"}
    trees = {"inputs": sha256, "tree": sha256}
    return {**names, **trees, "archive": sums, "requires": needs, "wheels": [WHEEL]}


def head_cases() -> Iterator[Case]:
    yield from _seals()
    yield from _descriptions()
    yield from _diffs()
    yield from _venvs()


def _sealed_by(seal: bytes) -> bytes:
    return Tarball(seal=seal).to_bytes()


def _seals() -> Iterator[Case]:
    entries = Tarball().seal_entries()
    text = seal_text(entries)
    for variant, item in {
        "lists": "[]",
        "maps": "{}",
        "maps with a key": '{"a":1}',
        "numbers": "1.5",
        "texts": '"ab"',
        "nested lists": "[[[[[]]]]]",
    }.items():
        for size in (20 * MIB, 100 * MIB) if item == "[]" else (20 * MIB,):
            yield case(
                "seal with an unknown key",
                f"{size // MIB} MiB of {variant}",
                lambda item=item, size=size: _sealed_by(_grown(text, item, size)),
            )
    yield case(
        "seal with an unknown key",
        "one text of 30 MiB",
        lambda: _sealed_by(_grown(text, f'"{"x" * (30 * MIB)}"', 1)),
    )
    yield case("deep seal", "a million lists", lambda: _sealed_by(b"[" * 1_000_000))
    yield case(
        "deep seal",
        "under an unknown key",
        lambda: _sealed_by(text[:-1] + b', "x": ' + b"[" * 900 + b"]" * 900 + b"}"),
        is_harmless=True,
    )
    short = '"%d":{"length":1,"hashes":{"sha256":"' + "0" * 64 + '"}},'
    for count in (200_000, 600_000):
        yield case(
            "seal with many files",
            f"{count}",
            lambda count=count: _sealed_by(
                text.replace(
                    b'"targets": {',
                    b'"targets": {' + "".join(short % n for n in range(count)).encode(),
                )
            ),
        )
    for variant, entry in {
        "negative length": {"length": -1, "hashes": {"sha256": "0" * 64}},
        "length as text": {"length": "1", "hashes": {"sha256": "0" * 64}},
        "length as number with a point": {"length": 1.0, "hashes": {"sha256": "0" * 64}},
        "length 10^300": {"length": 10**300, "hashes": {"sha256": "0" * 64}},
        "no hash": {"length": 1, "hashes": {}},
        "hash as list": {"length": 1, "hashes": {"sha256": []}},
        "hashes null": {"length": 1, "hashes": None},
        "a list": [],
        "null": None,
        "link as number": {**sealed(b"x"), "custom": {"link": 1}},
        "custom as list": {**sealed(b"x"), "custom": [1]},
    }.items():
        yield case(
            "malformed entry of the seal",
            variant,
            lambda entry=entry: Tarball(entries={f"{PUPPET}/a": entry}).to_bytes(),
        )
    for variant, data in {
        "empty": b"",
        "null": b"null",
        "list": b"[]",
        "not UTF-8": b"\xff\xfe",
        "garbage": b"x" * 999,
        "targets as list": text.replace(b'"targets": {', b'"targets": [], "x": {'),
        "number of 5000 digits": text.replace(b'"version": 1', b'"version": ' + b"9" * 5000),
        "UTF-16": text.decode().encode("utf-16"),
    }.items():
        yield case("malformed seal", variant, lambda data=data: _sealed_by(data))
    for variant, name in {
        "absolute": "/hostile-absolute",
        "up": "../hostile-parent",
        "a folder of another": PUPPET,
        "empty": "",
        "64 KiB": "x/" * 32_000,
    }.items():
        yield case(
            "seal with a bad path",
            variant,
            lambda name=name: Tarball(entries={name: sealed(b"x")}).to_bytes(),
        )


def _grown(text: bytes, item: str, size: int) -> bytes:
    count = max(size // (len(item) + 1), 1)
    return text[:-1] + b', "x": [' + (item + ",").encode() * (count - 1) + item.encode() + b"]}"


def _with(path: str, data: bytes) -> bytes:
    tarball = Tarball()
    tarball.head[path] = data
    return tarball.to_bytes()


def _descriptions() -> Iterator[Case]:
    lols = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    texts = {
        "deep lists": b"[" * 100_000,
        "deep maps": b"{a: " * 100_000,
        "alias bomb": lols.encode(),
        "many values": b"[" + b"1," * (2 * MIB) + b"]",
        "many short maps": b"[" + b"{}," * MIB + b"]",
        "one text of 12 MiB": b'"' + b"x" * (12 * MIB) + b'"',
        "not UTF-8": b"\xff\xfe",
        "python object": b"!!python/object/apply:os.system ['touch /hostile-absolute']",
        "binary": b"!!binary aGVsbG8=",
        "empty": b"",
        "a text": b"x",
        "NUL": b"\0",
        "recursive": b"&a [*a]",
        "a number of a million digits": b"9" * 1_000_000,
    }
    for path in (UPGRADE, METADATA, RELEASE, "upgrade/config/version.yaml"):
        for variant, data in texts.items():
            yield case(
                f"description: {variant}", path, lambda path=path, data=data: _with(path, data)
            )
    many = {f"upgrade/releases/x{n}.yaml": b"[]" for n in range(20_000)}
    yield case(
        "many descriptions",
        "20,000 files",
        lambda: Tarball(head={**Tarball().head, **many}).to_bytes(),
    )
    fields = {"name": "x", "operating_system": "Ubuntu", "version": "x", "x": [[]] * 90_000}
    heavy = json.dumps([{"pk": 1, "fields": fields}]).encode()
    files = {f"upgrade/releases/x{n}.yaml": heavy for n in range(100)}
    yield case(
        "many descriptions",
        "100 files of 90,000 values",
        lambda: Tarball(head={**Tarball().head, **files}).to_bytes(),
    )
    base = json.loads(Tarball().head[UPGRADE])
    repos = {**base, "repos": base["repos"] * 50_000}
    yield case(
        "many repos", "50,000 in upgrade.yaml", lambda: _with(UPGRADE, json.dumps(repos).encode())
    )
    chain = {"diff_releases": {f"2014.2-7.{n}": f"2014.2-7.{n + 1}" for n in range(40_000)}}
    yield case(
        "many diff releases",
        "a chain of 40,000",
        lambda: _with(METADATA, json.dumps(chain).encode()),
        is_harmless=True,
    )


def _diffs() -> Iterator[Case]:
    line = "nova amd64 1.0-1 " + hashlib.sha256(b"x").hexdigest()
    lines = {
        "a million short lines": (b"inherited: |\n" + b"  a b c d\n" * 1_000_000),
        "a million lines": f"inherited: |\n  {line}\n".encode() + f"  {line}\n".encode() * 999_999,
        "a million changes": b"inherited: ''\nchanges: |\n" + b"  x\n" * 1_000_000,
        "a list of 400,000": b"inherited: ''\nremoved: [" + b"x," * 400_000 + b"]\n",
        "a map of 400,000 counts": b"inherited: ''\ncounts: {"
        + b",".join(b"a%d: 1" % n for n in range(400_000))
        + b"}\n",
    }
    for variant, text in lines.items():
        yield case("costly diff.yaml", variant, lambda text=text: _diff(text))
    for n in (1, 3):
        yield case(
            "costly diff.yaml",
            f"{n} of 100,000 lines",
            lambda n=n: _diff(
                f"inherited: |\n  {line}\n".encode() + f"  {line}\n".encode() * 99_999, copies=n
            ),
            is_harmless=n == 1,
        )


_DIFF = b"""\
format: 1
kind: apt
algorithm: sha256
base_fingerprint: sha256:@
result_fingerprint: sha256:@
counts: {added: 0, upgraded: 0, rebuilt: 0, downgraded: 0, inherited: LINES, removed: 0, carried: 0}
carried_bytes: 0
result_bytes: 0
removed: []
rebuilt: []
downgraded: []
""".replace(b"@", b"0" * 64)


def _diff(text: bytes, copies: int = 1) -> bytes:
    """Return a tarball of diff repos with such a ``diff.yaml``."""
    lines = text.partition(b"inherited: |\n")[2].count(b"\n")
    taken = [line.partition(b":")[0] for line in text.splitlines() if line[:1].isalpha()]
    rest = b"".join(
        line + b"\n" for line in _DIFF.splitlines() if line.partition(b":")[0] not in taken
    )
    rest = rest.replace(b"LINES", b"%d" % lines)
    tarball = Tarball()
    base = json.loads(tarball.head[UPGRADE])
    (repo,) = base["repos"]
    versions = [VERSION, *(f"2014.2-6.{n}" for n in range(1, copies))]
    repo |= {
        "packages": 0,
        "bytes": 0,
        "full_packages": lines,
        "full_bytes": 0,
        "base": "2014.1-5.1",
    }
    base["repos"] = [{**repo, "version": version} for version in versions]
    tarball.head[UPGRADE] = json.dumps(base).encode()
    tarball.head[METADATA] = json.dumps(
        {"diff_releases": dict.fromkeys(versions, "2014.1-5.1")}
    ).encode()
    for version in versions:
        tarball.head[f"upgrade/repos/{version}/ubuntu/x86_64/diff.yaml"] = rest + text
        tarball.head[f"upgrade/releases/{version}.yaml"] = tarball.head[RELEASE].replace(
            VERSION.encode(), version.encode()
        )
    return tarball.to_bytes()


def _venvs() -> Iterator[Case]:
    archive = b"an archive"
    honest = venv_entry(archive)
    for variant, wrong in {
        "digest of another archive": {"archive": {**honest["archive"], "sha256": "0" * 64}},
        "another size": {"archive": {**honest["archive"], "size_bytes": 1}},
        "tag of two points": {"tag": ".."},
        "tag with a slash": {"tag": "../../../etc"},
        "service with a slash": {"service": "../x"},
        "platform of a point": {"platform": "."},
        "platform without a system": {"platform": "debian"},
        "wheel outside": {"wheels": [{**WHEEL, "file": "../../x.whl"}]},
        "package outside": {"wheels": [{**WHEEL, "package": ".."}]},
        "line break in a version": {"wheels": [{**WHEEL, "version": "1\n--index-url=x"}]},
        "line break in a requirement": {"requirements": ["a\nb"]},
        "directory outside": {"directory": "/openstack/../etc"},
        "unit with a slash": {"units": ["../x.service"]},
        "size as text": {"unpacked_bytes": "much"},
        "negative size": {"unpacked_bytes": -1},
    }.items():
        yield case(
            "venv that lies", variant, lambda w=wrong: _with_venvs([{**honest, **w}], archive)
        )
    yield case("venvs", "honest", lambda: _with_venvs([honest], archive), is_harmless=True)
    yield case("venvs listed twice", "one key", lambda: _with_venvs([honest] * 2, archive))
    other = {**honest, "tag": "2"}
    yield case("venvs listed twice", "two tags", lambda: _with_venvs([honest, other], archive))
    yield case("venvs listed twice", "none", lambda: _with_venvs([], archive))
    for variant, text in {
        "a million of nothing": b'{"format":1,"venvs":[' + b"{}," * 5_000_000 + b"{}]}",
        "a million wheels": json.dumps({"format": 1, "venvs": [{**honest, "wheels": "?"}]})
        .replace('"?"', "[" + '{"file":1},' * 1_000_000 + "1]")
        .encode(),
        "depth": b'{"format":1,"venvs":' + b"[" * 1_000_000,
        "no JSON": b"\xff\xfe",
        "an unknown format": b'{"format":2,"venvs":[]}',
    }.items():
        yield case("index of venvs", variant, lambda t=text: _with_index(t, {}))
    stray = {f"{VENVS}/blobs/../x": b"", f"{VENVS}/other": b"", f"{VENVS}/blobs/{'0' * 63}": b""}
    for path, data in stray.items():
        name = path.removeprefix(f"{VENVS}/")
        yield case("stray file of venvs", name, lambda p=path, d=data: _with_index(_one(), {p: d}))
    unneeded = {f"{VENVS}/blobs/{hashlib.sha256(b'x').hexdigest()}": b"x"}
    yield case("stray file of venvs", "no venv's", lambda: _with_index(_one(), unneeded))
    foreign = {"upgrade/venvs/2014.2-9.9/venvs.json": b"{}"}
    yield case("stray file of venvs", "no release's", lambda: _with_index(_one(), foreign))


def _one() -> bytes:
    return json.dumps({"format": 1, "venvs": [venv_entry(b"an archive")]}).encode()


def _with_venvs(entries: list[dict[str, Any]], archive: bytes) -> bytes:
    """Return a tarball with this index, and the archive by its true digest."""
    path = f"{VENVS}/blobs/{hashlib.sha256(archive).hexdigest()}"
    return _with_index(json.dumps({"format": 1, "venvs": entries}).encode(), {path: archive})


def _with_index(text: bytes, files: dict[str, bytes]) -> bytes:
    tarball = Tarball()
    tarball.head[f"{VENVS}/venvs.json"] = text
    tarball.payload.update(files)
    return tarball.to_bytes()
