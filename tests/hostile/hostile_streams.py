"""Tarballs whose bytes end too late, too early or never, and streams that grow when unpacked."""

import gzip
import hashlib
from collections.abc import Callable, Iterator

from tests.hostile.case import Case, case, sparse_case
from tests.hostile.raw_streams import (
    bzip2,
    gzip_zeros,
    lzma_alone,
    skippable,
    xz,
    xz_dictionary,
    zstd,
    zstd_bomb,
    zstd_header,
    zstd_last,
    zstd_raw,
    zstd_zeros,
)
from tests.hostile.raw_tar import (
    END,
    PUPPET,
    SEAL,
    Tarball,
    base256,
    gnu_long,
    header,
    member,
    pax,
)

GIB = 1 << 30
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "zstd": zstd,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "xz": xz,
    "bzip2": bzip2,
}
X = b"hostile\n"


def stream_cases() -> Iterator[Case]:
    yield from _honest()
    yield from _endless()
    yield from _bombs()
    yield from _windows()
    yield from _cut()
    yield from _behind()


def whole() -> bytes:
    return Tarball().to_bytes()


def _honest() -> Iterator[Case]:
    for name, pack in PACKERS.items():
        yield case("honest", name, lambda pack=pack: pack(whole()), is_harmless=True)
        yield case(
            "honest",
            f"{name}, padded by tar",
            lambda pack=pack: pack(whole() + bytes(9728)),
            is_harmless=True,
        )
    yield case(
        "honest",
        "an empty gzip member behind",
        lambda: gzip.compress(whole()) + gzip.compress(b""),
        is_harmless=True,
    )
    yield case(
        "honest",
        "two zstd frames",
        lambda: zstd(whole()[:700]) + zstd(whole()[700:]),
        is_harmless=True,
    )


def _endless() -> Iterator[Case]:
    yield sparse_case("zeros behind the archive", "a hole of 1 TiB", whole, 1 << 40)
    yield case("zeros behind the archive", "64 GiB in zstd", lambda: zstd_bomb(whole(), 64 * GIB))
    yield case(
        "zeros behind the archive",
        "4 GiB in gzip",
        lambda: gzip.compress(whole()) + gzip_zeros(4 * GIB),
    )
    yield sparse_case(
        "padding of the compression",
        "gzip and a hole of 1 TiB",
        lambda: gzip.compress(whole()),
        1 << 40,
    )
    yield sparse_case(
        "padding of the compression", "xz and a hole of 1 TiB", lambda: xz(whole()), 1 << 40
    )
    yield sparse_case(
        "padding of the compression", "zstd and a hole of 1 TiB", lambda: zstd(whole()), 1 << 40
    )
    yield sparse_case("only a hole", "1 TiB", lambda: b"", 1 << 40)
    for name, pack in PACKERS.items():
        if name != "plain":
            yield case(
                "empty streams",
                f"50,000 of {name}",
                lambda pack=pack: pack(whole()) + pack(b"") * 50_000,
            )
            yield case(
                "empty streams",
                f"50,000 of {name}, first",
                lambda pack=pack: pack(b"") * 50_000 + pack(whole()),
            )
    yield case("skippable frames", "50,000 empty", lambda: skippable(b"") * 50_000 + zstd(whole()))
    endless = {
        "folders": member("d", kind=b"5"),
        "other folders": b"".join(member(f"d{n}", kind=b"5") for n in range(1000)),
        "root folders": member(".", kind=b"5"),
        "pax headers": pax(("mtime", "1")),
        "global headers": pax(("comment", "1"), kind=b"g"),
        "long names": gnu_long(b"x"),
        "long pax headers": pax(("comment", "x" * 60_000)),
    }
    cut = len(Tarball().to_bytes()) - len(Tarball(payload={}).to_bytes())
    head = Tarball(payload={}).to_bytes()[: -len(END)]
    assert cut > 0
    for variant, blocks in endless.items():
        times = (1 << 31) // len(blocks)
        for place, before in (("payload", head), ("head", b"")):

            def make(before: bytes = before, blocks: bytes = blocks, times: int = times) -> bytes:
                return _repeat(before, blocks, times)

            yield case(f"endless {variant}", place, make)


def _repeat(before: bytes, blocks: bytes, times: int) -> bytes:
    """Return one frame in which ``blocks`` come very often, by blocks that zstd has compressed."""
    piece = blocks * max((1 << 24) // len(blocks), 1)
    packed = zstd(piece)
    return zstd(before) + packed * max(times * len(blocks) // len(piece), 1)


def _bombs() -> Iterator[Case]:
    big = {"length": 64 * GIB, "hashes": {"sha256": "0" * 64}}
    installer = "upgrade/installer/big"
    for name, sealed_as in ((f"{PUPPET}/big", None), (f"{PUPPET}/big", big), (installer, big)):
        entries = {} if sealed_as is None else {name: sealed_as}
        start = Tarball(
            entries=entries, behind_payload=header(name, size=base256(64 * GIB)), end=b""
        ).to_bytes()
        yield case(
            "zstd bomb",
            f"{name}, {'sealed' if sealed_as else 'not sealed'}",
            lambda start=start: zstd_bomb(start, 64 * GIB),
        )
        yield case(
            "gzip bomb",
            f"{name}, {'sealed' if sealed_as else 'not sealed'}",
            lambda start=start: gzip.compress(start) + gzip_zeros(4 * GIB),
        )
        yield sparse_case(
            "hole as a member",
            f"{name}, {'sealed' if sealed_as else 'not sealed'}",
            lambda start=start: start,
            65 * GIB,
            is_endless=sealed_as is not None,
        )
    in_head = {
        "seal": SEAL,
        "description": "upgrade/config/x",
        "script": "upgrade.sh",
        "diff.yaml": "upgrade/repos/a/b/c/diff.yaml",
    }
    for variant, name in in_head.items():
        start = header(name, size=base256(64 * GIB))
        yield case(
            "bomb in the head", f"{variant}, zstd", lambda start=start: zstd_bomb(start, 64 * GIB)
        )
        sized = header(name, size=base256(200 << 20))
        yield case(
            "bomb in the head",
            f"{variant}, 200 MiB",
            lambda sized=sized: zstd_bomb(sized, 201 << 20),
        )
        yield sparse_case(
            "bomb in the head", f"{variant}, a hole", lambda start=start: start, 65 * GIB
        )
    zeros = bytes(4 << 20)
    name = f"{PUPPET}/zeros"
    entry = {"length": len(zeros), "hashes": {"sha256": hashlib.sha256(zeros).hexdigest()}}
    yield case(
        "bomb that was honest",
        "4 MiB of zeros",
        lambda: zstd(Tarball(entries={name: entry}, behind_payload=member(name, zeros)).to_bytes()),
        is_harmless=True,
    )


def _windows() -> Iterator[Case]:
    for log in (28, 30, 31, 41):
        yield case(
            "zstd window",
            f"2^{log}",
            lambda log=log: zstd_header(log) + zstd_raw(whole()) + zstd_last(),
        )
    yield case(
        "zstd window",
        "2^28, filled",
        lambda: zstd_header(28) + zstd_raw(whole()) + zstd_zeros(512 << 20) + zstd_last(),
    )
    yield case(
        "zstd window",
        "single segment of 1 TiB",
        lambda: (
            b"\x28\xb5\x2f\xfd\xe0"
            + (1 << 40).to_bytes(8, "little")
            + zstd_raw(whole())
            + zstd_last()
        ),
    )
    yield case(
        "zstd dictionary",
        "unknown",
        lambda: b"\x28\xb5\x2f\xfd\x03\x38" + b"\x01\x02\x03\x04" + zstd_raw(whole()) + zstd_last(),
    )
    for code, size in ((40, "4 GiB"), (37, "1.5 GiB"), (30, "128 MiB")):
        yield case("xz dictionary", size, lambda code=code: xz_dictionary(whole(), code))
    for length in (0xFFFFFFFF, 1 << 30):
        yield case(
            "lzma dictionary", f"{length} bytes", lambda length=length: lzma_alone(whole(), length)
        )


def _cut() -> Iterator[Case]:
    for name, pack in PACKERS.items():
        for part in (0.0, 0.002, 0.2, 0.5, 0.9, 0.99):

            def make(pack: Callable[[bytes], bytes] = pack, part: float = part) -> bytes:
                data = pack(whole()[: -len(END)])
                return data[: int(len(data) * part)]

            yield case("truncated", f"{name}, {part:.1%}", make)
        yield case("no end", name, lambda pack=pack: pack(whole()[: -len(END)]))
        yield case("truncated", f"{name}, one byte", lambda pack=pack: pack(whole())[:1])

        def cut(pack: Callable[[bytes], bytes] = pack) -> bytes:
            return pack(whole())[:-4]

        if name != "plain":
            yield case("truncated", f"{name}, without its last four bytes", cut)


def _behind() -> Iterator[Case]:
    for name, pack in PACKERS.items():
        yield case("archive behind the end", name, lambda pack=pack: pack(whole() + whole()))
        yield case(
            "archive behind the end",
            f"{name}, of its own stream",
            lambda pack=pack: pack(whole()) + pack(whole()),
        )
        for variant, data in {
            "a byte": b"x",
            "text": b"x" * 5000,
            "another format": b"PK\3\4" + bytes(99),
            "zeros, then a byte": bytes(2000) + b"x",
        }.items():
            yield case(
                "garbage behind the end",
                f"{name}, {variant}",
                lambda pack=pack, data=data: pack(whole()) + data,
            )
            yield case(
                "garbage behind the end",
                f"{name}, {variant}, compressed",
                lambda pack=pack, data=data: pack(whole() + data),
            )
    yield case(
        "skippable frames", "data behind the end", lambda: zstd(whole()) + skippable(X * 999)
    )
    yield case("skippable frames", "data first", lambda: skippable(X * 999) + zstd(whole()))
    yield case(
        "skippable frames",
        "data within",
        lambda: zstd(whole()[:700]) + skippable(X) + zstd(whole()[700:]),
    )
    yield case(
        "skippable frames", "longer than the file", lambda: zstd(whole()) + skippable(X)[:-3]
    )
    yield case("skippable frames", "before plain tar", lambda: skippable(X) + whole())
    yield case(
        "mixed compression",
        "zstd, then gzip",
        lambda: zstd(whole()[:700]) + gzip.compress(whole()[700:]),
    )
    yield case("mixed compression", "zstd in zstd", lambda: zstd(zstd(whole())))
    yield case("mixed compression", "zip", lambda: b"PK\3\4" + bytes(2000))
