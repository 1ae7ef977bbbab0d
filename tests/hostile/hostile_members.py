"""Tarballs with members that no honest writer writes."""

import hashlib
from collections.abc import Iterator
from typing import Any

from tests.hostile.case import Case, case
from tests.hostile.raw_tar import (
    GNU,
    PUPPET,
    REPO,
    SEAL,
    Tarball,
    base256,
    gnu_long,
    hard_link,
    header,
    link,
    member,
    padded,
    pax,
    pax_data,
    record,
    seal_text,
    sealed,
)

X = b"hostile\n"
_PP = f"{PUPPET}/modules/m0/file0.pp"


def placed_at(place: str, raw: bytes, **fields: Any) -> bytes:
    parts: dict[str, Any] = {place: raw, **fields}
    return Tarball(**parts).to_bytes()


def _with(raw: bytes, **fields: Any) -> bytes:
    return placed_at("before_payload", raw, **fields)


def _sealed_link(target: str) -> dict[str, Any]:
    return sealed(target.encode(), link=target)


def member_cases() -> Iterator[Case]:
    yield from _paths()
    yield from _links()
    yield from _types()
    yield from _names_of_the_seal()
    yield from _sizes()
    yield from _pax()
    yield from _gnu()
    yield from _sparse()
    yield from _headers()
    yield from _deep()
    yield from _names()


def _placed(kind: str, variant: str, raw: bytes, *names: str) -> Iterator[Case]:
    """Yield the member outside the seal, in the head, and listed in the seal."""
    entries = {name: sealed(X) for name in names}
    yield case(kind, variant, lambda: _with(raw))
    yield case(kind, f"{variant}, in the head", lambda: Tarball(in_head=raw).to_bytes())
    yield case(kind, f"{variant}, before the seal", lambda: Tarball(first=raw).to_bytes())
    if names:
        yield case(kind, f"{variant}, sealed", lambda: _with(raw, entries=entries))


def _paths() -> Iterator[Case]:
    for kind, names in {
        "absolute path": ("/hostile-absolute", "//hostile-absolute", "///tmp/hostile-absolute"),
        "parent path": (
            "../hostile-parent",
            "a/../../hostile-parent",
            f"{PUPPET}/../../../../hostile-parent",
            "upgrade/..",
            "..",
        ),
        "dots within": ("upgrade/./x", "upgrade//x", "./../hostile-parent", ".//./../x"),
        "empty name": ("", "/", "."),
    }.items():
        for name in names:
            yield from _placed(kind, repr(name), member(name, X), name)
    yield from _placed("NUL in a path", "pax", pax(("path", "a\0b")) + member("c", X), "a\0b")
    for name in ("C:\\x", "..\\..\\x", "~root/x", "$(id)", "-rf", "`id`"):
        raw = member(f"{PUPPET}/{name}", X)
        entries = {f"{PUPPET}/{name}": sealed(X)}
        yield case(
            "odd name",
            name,
            lambda raw=raw, entries=entries: _with(raw, entries=entries),
            is_harmless=True,
        )


def _links() -> Iterator[Case]:
    for target in (
        "/etc/passwd",
        "../../../../../etc/passwd",
        "",
        "/",
        "..",
        "../../../../x",
        "modules/../../x",
        f"../../repos/{REPO}",
        "a\0b",
    ):
        name = f"{PUPPET}/l"
        raw = (
            link(name, target)
            if "\0" not in target
            else (pax(("linkpath", target)) + link(name, "x"))
        )
        yield case("link out", repr(target), lambda raw=raw: _with(raw))
        entries = {name: _sealed_link(target)}
        yield case(
            "link out",
            f"{target!r}, sealed",
            lambda raw=raw, entries=entries: _with(raw, entries=entries),
        )
    below = {f"{PUPPET}/l/x": sealed(X)}
    for target in (".", "modules", "manifests", "../../..", "/etc", "l", "l/l"):
        entries = {f"{PUPPET}/l": _sealed_link(target), **below}
        raw = link(f"{PUPPET}/l", target) + member(f"{PUPPET}/l/x", X)
        yield case(
            "member below a link",
            repr(target),
            lambda raw=raw, entries=entries: _with(raw, entries=entries),
        )
    chain = link(f"{PUPPET}/a", "b") + link(f"{PUPPET}/b", ".") + member(f"{PUPPET}/a/b/x", X)
    entries = {
        f"{PUPPET}/a": _sealed_link("b"),
        f"{PUPPET}/b": _sealed_link("."),
        f"{PUPPET}/a/b/x": sealed(X),
    }
    yield case("member below a link", "a chain", lambda: _with(chain, entries=entries))
    late = member(f"{PUPPET}/d/x", X) + link(f"{PUPPET}/d", "modules")
    yield case(
        "link over a folder",
        "implied",
        lambda: _with(
            late, entries={f"{PUPPET}/d/x": sealed(X), f"{PUPPET}/d": _sealed_link("modules")}
        ),
    )
    yield case(
        "link over a folder",
        "the unit itself",
        lambda: Tarball(
            behind_payload=link(PUPPET, "."), entries={PUPPET: _sealed_link(".")}
        ).to_bytes(),
    )
    yield case(
        "link to itself",
        "sealed",
        lambda: _with(link(f"{PUPPET}/l", "l"), entries={f"{PUPPET}/l": _sealed_link("l")}),
        is_harmless=True,
    )
    for target in ("/etc/passwd", "../x", f"{PUPPET}/h", _PP, "upgrade.sh", f"{PUPPET}", SEAL):
        name = f"{PUPPET}/h"
        raw = hard_link(name, target)
        yield case("hard link", repr(target), lambda raw=raw: _with(raw))
        for place in ("before_payload", "behind_payload"):
            yield case(
                "hard link",
                f"{target!r}, sealed, {place}",
                lambda raw=raw, place=place: placed_at(
                    place, raw, entries={f"{PUPPET}/h": sealed(b"# 0\n")}
                ),
            )


def _types() -> Iterator[Case]:
    names = {
        b"3": "character device",
        b"4": "block device",
        b"6": "pipe",
        b"D": "GNU dump folder",
        b"M": "GNU continuation",
        b"N": "GNU old long name",
        b"V": "GNU volume label",
        b"A": "unknown type",
        b"Z": "unknown type Z",
        b"\xff": "type 255",
    }
    for kind, name in names.items():
        raw = member(f"{PUPPET}/device", kind=kind)
        yield from _placed(name, "empty", raw, f"{PUPPET}/device")
        yield from _placed(
            name, "with data", member(f"{PUPPET}/device", X, kind), f"{PUPPET}/device"
        )
    for mode in (0o4755, 0o2755, 0o1777, 0o6777, 0o7777777, b"\xff" * 8, b"\x80" + b"\xff" * 7):
        raw = member(f"{PUPPET}/suid", X, mode=mode)
        entry = {f"{PUPPET}/suid": sealed(X, executable=True)}
        yield case(
            "setuid",
            repr(mode),
            lambda raw=raw, entry=entry: _with(raw, entries=entry),
            is_harmless=True,
        )
    raw = member(f"{PUPPET}/run", X, mode=0o755)
    yield case(
        "another mode",
        "executable, not so sealed",
        lambda: _with(raw, entries={f"{PUPPET}/run": sealed(X)}),
    )
    yield case(
        "type of Unix 7",
        "regular",
        lambda: _with(member(f"{PUPPET}/a", X, b"\0"), entries={f"{PUPPET}/a": sealed(X)}),
        is_harmless=True,
    )
    yield case(
        "contiguous file",
        "sealed",
        lambda: _with(member(f"{PUPPET}/a", X, b"7"), entries={f"{PUPPET}/a": sealed(X)}),
        is_harmless=True,
    )


def _names_of_the_seal() -> Iterator[Case]:
    a = f"{PUPPET}/a"
    for variant, raw in {
        "same content": member(a, X) + member(a, X),
        "other content": member(a, X) + member(a, b"other"),
        "by a dot": member(a, X) + member(f"./{a}", X),
        "by a slash": member(a, X) + member(f"{a}/", kind=b"5"),
        "folder, then file": member(a, kind=b"5") + member(a, X),
        "file, then below it": member(a, X) + member(f"{a}/b", X),
    }.items():
        entries = {a: sealed(X), f"{a}/b": sealed(X)}
        if "below" not in variant:
            del entries[f"{a}/b"]
        yield case("duplicate", variant, lambda raw=raw, e=entries: _with(raw, entries=e))
    head = "upgrade/config/version.yaml"
    data = Tarball().head[head]
    yield case("duplicate", "of the head", lambda: _with(member(head, data)))
    yield case(
        "duplicate",
        "of the head, at the end",
        lambda: Tarball(behind_payload=member(head, b"VERSION: {release: '9'}")).to_bytes(),
    )
    whole = Tarball()
    seal = seal_text(whole.seal_entries())
    for place in ("first", "in_head", "before_payload", "behind_payload"):
        yield case("second seal", place, lambda place=place: placed_at(place, member(SEAL, seal)))
        yield case(
            "second seal",
            f"{place}, empty",
            lambda place=place: placed_at(place, member(SEAL, seal_text({}))),
        )
    cases = member(f"{PUPPET}/a", X) + member(f"{PUPPET}/A", b"2")
    yield case(
        "colliding case",
        "two files",
        lambda: _with(cases, entries={f"{PUPPET}/a": sealed(X), f"{PUPPET}/A": sealed(b"2")}),
        is_harmless=True,
    )
    yield case(
        "colliding case", "of the seal", lambda: _with(member("Upgrade/seal/targets.json", X))
    )
    yield case(
        "colliding form",
        "NFC and NFD",
        lambda: _with(
            member(f"{PUPPET}/\u00e9", X) + member(f"{PUPPET}/e\u0301", b"2"),
            entries={f"{PUPPET}/\u00e9": sealed(X), f"{PUPPET}/e\u0301": sealed(b"2")},
        ),
        is_harmless=True,
    )
    for name in (f"{PUPPET}/x", "x", "upgrade/x", "upgrade/installer/x", f"{REPO}/pool/x.deb"):
        yield case("not in the seal", name, lambda name=name: _with(member(name, X)))
        yield case("not in the seal", f"{name}, link", lambda name=name: _with(link(name, "y")))
    yield case(
        "folder not in the seal",
        "deep",
        lambda: _with(member("x/y/z", kind=b"5") + member(f"{PUPPET}/new", kind=b"5")),
        is_harmless=True,
    )
    for path in (_PP, f"{REPO}/pool/main/p0.deb", "upgrade.sh", "upgrade/config/upgrade.yaml"):
        yield case("sealed, but missing", path, lambda path=path: Tarball(absent=[path]).to_bytes())
        yield case(
            "missing in the seal", path, lambda path=path: Tarball(unsealed=[path]).to_bytes()
        )
    yield case("missing in the seal", "all", lambda: Tarball(seal=seal_text({})).to_bytes())
    entry = sealed(X)
    for variant, wrong in {
        "digest": {**entry, "hashes": {"sha256": "0" * 64}},
        "shorter": {**entry, "length": 1},
        "longer": {**entry, "length": 99},
        "huge": {**entry, "length": 1 << 62},
        "as link": {**entry, "custom": {"link": "x"}},
        "executable": {**entry, "custom": {"executable": True}},
    }.items():
        yield case(
            "other than sealed",
            variant,
            lambda wrong=wrong: _with(member(a, X), entries={a: wrong}),
        )
    yield case(
        "other than sealed",
        "a link, sealed as a file",
        lambda: _with(link(a, "b"), entries={a: sealed(b"b")}),
    )


def _sizes() -> Iterator[Case]:
    name = f"{PUPPET}/big"
    small, zeros = sealed(X), hashlib.sha256(bytes(1 << 20)).hexdigest()
    oversize = {name: {"length": 8, "hashes": {"sha256": zeros}}}
    for size in (1 << 20, 24 << 20):
        yield case(
            "oversize member",
            f"{size >> 20} MiB, sealed as 8 bytes",
            lambda size=size: _with(member(name, bytes(size)), entries=oversize),
        )
    fields = {
        "negative": base256(-1),
        "very negative": base256(-(1 << 80)),
        "-512": base256(-512),
        "1 EiB": base256(1 << 60),
        "2^94": base256(1 << 94),
        "8 GiB": b"77777777777\0",
        "no digit": b"99999999999\0",
        "octal minus": b"-0000000010\0",
        "letters": b"abcdefghijk\0",
        "spaces": b" " * 12,
        "hexadecimal": b"0x10\0" + bytes(7),
        "NULs inside": b"1\x000" + bytes(9),
    }
    for variant, field in fields.items():
        yield case(
            "absurd size",
            variant,
            lambda field=field: _with(header(name, size=field) + padded(X), entries={name: small}),
        )
    for kind, variant in ((b"5", "folder"), (b"2", "link"), (b"1", "hard link")):
        raw = header(name, kind, size=1 << 20, target="x") + bytes(1 << 20)
        yield case("size of a member without data", variant, lambda raw=raw: _with(raw))


def _pax() -> Iterator[Case]:
    a, entries = f"{PUPPET}/a", {f"{PUPPET}/a": sealed(X)}
    for size in (5_000, 60_000, 65_000, 70_000, 1 << 20):
        path = "d/" * (size // 2) + "x"
        yield case(
            "huge pax path",
            f"{size} bytes, one-letter folders",
            lambda path=path: _with(pax(("path", path)) + member("a", X)),
        )
        yield case(
            "huge pax path",
            f"{size} bytes, in the head",
            lambda path=path: Tarball(
                in_head=pax(("path", f"upgrade/config/{path}")) + member("a", X)
            ).to_bytes(),
        )
        yield case(
            "huge pax path",
            f"{size} bytes, one name",
            lambda size=size: _with(pax(("path", "x" * size)) + member("a", X)),
        )
    for count, size in ((8, 60_000), (60, 60_000), (300, 4_000)):
        yield case(
            "many huge pax paths",
            f"{count} of {size} bytes",
            lambda count=count, size=size: Tarball(
                in_head=b"".join(
                    pax(("path", f"upgrade/config/{n}/" + "d/" * (size // 2) + "x")) + member("a")
                    for n in range(count)
                )
            ).to_bytes(),
        )
    for key, value in (
        ("path", "/hostile-absolute"),
        ("path", "../hostile-parent"),
        ("path", ""),
        ("size", "-1"),
        ("size", "1e3"),
        ("size", "99999999999999999999"),
        ("size", "\u0661"),
        ("size", "9" * 5000),
        ("size", "1048576"),
        ("size", "0"),
        ("size", ""),
        ("size", "0x8"),
        ("GNU.sparse.size", "99999999"),
        ("hdrcharset", "BINARY"),
        ("linkpath", "/etc"),
    ):
        raw = pax((key, value)) + member(a, X)
        harmless = key in ("hdrcharset", "linkpath")
        yield case(
            f"pax {key}",
            repr(value[:20]),
            lambda raw=raw: _with(raw, entries=entries),
            is_harmless=harmless,
        )
    for key, value in (
        ("mtime", "NaN"),
        ("mtime", "inf"),
        ("mtime", "-1"),
        ("mtime", "1e999"),
        ("uid", "-1"),
        ("gid", "99999999999999"),
        ("SCHILY.xattr.user.x", "y" * 999),
        ("SCHILY.acl.access", "user::rwx"),
        ("VENDOR.x", "\0\0"),
        ("comment", "c"),
        ("atime", "nan"),
        ("RHT.security.selinux", "x"),
        ("uname", "\x1b[31m"),
    ):
        raw = pax((key, value)) + member(a, X)
        yield case(
            "pax metadata",
            f"{key} {value[:9]!r}",
            lambda raw=raw: _with(raw, entries=entries),
            is_harmless=True,
        )
    for key, value in (
        ("path", "../x"),
        ("size", "0"),
        ("linkpath", "/etc"),
        ("mtime", "NaN"),
        ("hdrcharset", "BINARY"),
        ("comment", "x" * 60_000),
    ):
        raw = pax((key, value), kind=b"g") + member(a, X)
        yield case(
            "global pax header",
            f"{key} {value[:9]!r}",
            lambda raw=raw: _with(raw, entries=entries),
            is_harmless=True,
        )
    for variant, data in {
        "length 0": b"0 path=x\n",
        "negative": b"-9 path=x\n",
        "past the end": b"99 path=x\n",
        "no length": b"path=x\n",
        "no line feed": b"8 path=x",
        "no equals sign": b"7 path\n",
        "huge length": b"9" * 30 + b" path=x\n",
        "empty": b"",
        "NULs": bytes(512),
        "length with plus": b"+9 path=x\n",
        "two spaces": b"10  path=x\n",
    }.items():
        yield case(
            "malformed pax record",
            variant,
            lambda data=data: _with(pax_data(data) + member("x", X)),
        )
    yield case(
        "pax header and no member",
        "at the end",
        lambda: Tarball(behind_payload=pax(("path", "x"))).to_bytes(),
    )
    yield case(
        "pax header of a pax header",
        "twice",
        lambda: _with(
            pax(("path", f"{PUPPET}/b")) + pax(("path", a)) + member("x", X), entries=entries
        ),
        is_harmless=True,
    )
    yield case(
        "pax header of Solaris",
        "path",
        lambda: _with(pax(("path", "../hostile-parent"), kind=b"X") + member("x", X)),
    )
    many = b"".join(record(f"K{n}", "v") for n in range(5000))
    yield case(
        "many pax records",
        "5000",
        lambda: _with(pax_data(many) + member(a, X), entries=entries),
        is_harmless=True,
    )
    for kind, variant in ((b"x", "pax"), (b"g", "global"), (b"L", "GNU name"), (b"K", "GNU link")):
        data = record("comment", "x" * 40) if kind in b"xg" else b"x\0"
        yield case(
            "many extension headers",
            variant,
            lambda kind=kind, data=data: _with(
                pax_data(data, kind) * 20_000 + member(a, X), entries=entries
            ),
        )


def _gnu() -> Iterator[Case]:
    for variant, raw in {
        "up": gnu_long(b"../" + b"x" * 120) + member("x", X),
        "absolute": gnu_long(b"/" + b"x" * 120) + member("x", X),
        "link out": gnu_long(b"../" * 40 + b"x", b"K") + link(f"{PUPPET}/l", "x"),
        "empty": gnu_long(b"") + member("", X),
        "NUL inside": gnu_long(b"a\0b") + member("x", X),
        "huge": gnu_long(b"d/" * 40_000 + b"x") + member("x", X),
        "4 KiB of folders": gnu_long(b"d/" * 2040 + b"x") + member("x", X),
        "no member": gnu_long(b"x"),
        "twice": gnu_long(b"../a") + gnu_long(b"../b") + member("x", X),
        "claims 8 GiB": header("L", b"L", size=base256(1 << 33), magic=GNU),
    }.items():
        yield case("GNU long name", variant, lambda raw=raw: _with(raw))
        yield case(
            "GNU long name",
            f"{variant}, in the head",
            lambda raw=raw: Tarball(in_head=raw).to_bytes(),
        )


def _sparse() -> Iterator[Case]:
    name, entries = f"{PUPPET}/s", {f"{PUPPET}/s": sealed(X)}
    old = bytearray(header(name, b"S", size=8, magic=GNU))
    old[386:410] = b"00000000000\x0000000000010\0"
    old[483:495] = b"77777777777\0"
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    variants = {
        "GNU old": bytes(old) + padded(X),
        "pax 0.0": pax(("GNU.sparse.numblocks", "1"), ("GNU.sparse.offset", "0")) + member(name, X),
        "pax 0.1": pax(("GNU.sparse.map", "0,8"), ("GNU.sparse.size", "1099511627776"))
        + member(name, X),
        "pax 1.0": pax(
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", name),
            ("GNU.sparse.realsize", "1125899906842624"),
        )
        + member("x", b"1\n0\n8\n" + X),
        "pax 1.0, path out": pax(("GNU.sparse.name", "../hostile-parent")) + member("x", X),
        "SCHILY.realsize": pax(("SCHILY.realsize", "1125899906842624")) + member(name, X),
    }
    for variant, raw in variants.items():
        harmless = variant == "SCHILY.realsize"
        yield case(
            "sparse", variant, lambda raw=raw: _with(raw, entries=entries), is_harmless=harmless
        )
    yield case(
        "sparse",
        "global",
        lambda: _with(
            pax(("GNU.sparse.realsize", "1125899906842624"), kind=b"g") + member(name, X),
            entries=entries,
        ),
        is_harmless=True,
    )


def _headers() -> Iterator[Case]:
    name, entries = f"{PUPPET}/a", {f"{PUPPET}/a": sealed(X)}
    for variant, checksum in {
        "zero": b"0" * 8,
        "spaces": b" " * 8,
        "binary": b"\x80" + b"\xff" * 7,
        "letters": b"checksum",
        "NUL": bytes(8),
    }.items():
        raw = member(name, X, checksum=checksum)
        yield case("bad checksum", variant, lambda raw=raw: _with(raw, entries=entries))
    for variant, raw in {
        "0xff": b"\xff" * 512,
        "text": b"x" * 512,
        "spaces": b" " * 512,
        "elf": b"\x7fELF" + bytes(508),
        "half a block": b"x" * 100,
    }.items():
        yield case("no header", variant, lambda raw=raw: _with(raw))
        yield case("no header", f"{variant}, first", lambda raw=raw: Tarball(first=raw).to_bytes())
    yield case(
        "junk mode", "octal 9", lambda: _with(member(name, X, mode=b"9999999\0"), entries=entries)
    )
    for magic in (b"\0" * 8, b"ustar\0\xff\xff", b"xxxxxxxx", GNU):
        raw = member(name, X, magic=magic)
        yield case(
            "odd magic", repr(magic), lambda raw=raw: _with(raw, entries=entries), is_harmless=True
        )
    yield case("prefix", "up", lambda: _with(member("x", X, prefix=b"../..")))
    yield case("prefix", "absolute", lambda: _with(member("x", X, prefix=b"/hostile-absolute")))
    yield case("one zero block inside", "then members", lambda: _with(bytes(512)))


def _deep() -> Iterator[Case]:
    for depth in (100_000, 20_000, 1_000, 100):
        name = "d/" * depth + "x"
        yield case(
            "deep path",
            f"{depth} folders, GNU",
            lambda name=name: _with(member(name, X), entries={name: sealed(X)}),
        )
        yield case(
            "deep path",
            f"{depth} folders, pax, in the head",
            lambda name=name: Tarball(
                in_head=pax(("path", f"upgrade/config/{name}")) + member("x", X)
            ).to_bytes(),
        )
        yield case(
            "deep folder", f"{depth} folders", lambda name=name: _with(member(name[:-1], kind=b"5"))
        )
    wide = b"".join(member(f"w{n}/" + "d/" * 40 + "x" * 200, kind=b"5") for n in range(20_000))
    yield case("many deep folders", "20,000 of 40 levels", lambda: _with(wide))
    yield case("many deep folders", "in the head", lambda: Tarball(in_head=wide).to_bytes())


def _names() -> Iterator[Case]:
    odd = {
        "not UTF-8": (b"\xff\xfe", "\udcff\udcfe"),
        "surrogate": (b"\xed\xb3\xbf", "\udced\udcb3\udcbf"),
        "overlong": (b"\xc0\xaf", "\udcc0\udcaf"),
        "escape sequence": (b"\x1b[31mred", "\x1b[31mred"),
        "line feed": (b"a\nerror: fake", "a\nerror: fake"),
        "bell": (b"\x07", "\x07"),
        "delete": (b"\x7f", "\x7f"),
        "C1 control": ("\x9b31m".encode(), "\x9b31m"),
        "right to left": ("\u202egpj.exe".encode(), "\u202egpj.exe"),
        "line separator": ("\u2028".encode(), "\u2028"),
        "256 bytes": (b"n" * 256, "n" * 256),
        "256 bytes of accents": ("\u00e9".encode() * 128, "\u00e9" * 128),
    }
    for variant, (raw, text) in odd.items():
        path = f"{PUPPET}/".encode() + raw
        for form, made in {
            "GNU": gnu_long(path) + member("x", X),
            "pax": pax(("path", path)) + member("x", X),
            "folder": gnu_long(path) + header("x", b"5"),
        }.items():
            entries = {f"{PUPPET}/{text}": sealed(X)} if form != "folder" else {}
            yield case(
                f"name with {variant}",
                form,
                lambda made=made, entries=entries: _with(made, entries=entries),
            )
        target = gnu_long(raw, b"K") + header(f"{PUPPET}/l", b"2", target="x")
        entry = {
            "length": len(raw),
            "hashes": {"sha256": hashlib.sha256(raw).hexdigest()},
            "custom": {"link": text},
        }
        yield case(
            f"name with {variant}",
            "target of a link",
            lambda target=target, entry=entry: _with(target, entries={f"{PUPPET}/l": entry}),
        )
        yield case(
            f"name with {variant}",
            "sealed only",
            lambda text=text: _with(b"", entries={f"{PUPPET}/{text}": sealed(X)}),
        )
    for name in ("[/b]", "[bold red]x", "n" * 255, "\u540d\u524d", "a b", "%s%n", "{0}"):
        place = f"{PUPPET}/{name}"
        yield case(
            "odd name",
            name[:20],
            lambda path=place: _with(member(path, X), entries={path: sealed(X)}),
            is_harmless=True,
        )
