"""Read the MD5 in an rpm file, which the rpm database stores as well."""

import struct

HEAD_BYTES = 1 << 16  # lead and signature header have a few hundred bytes, at most some 4 KiB
_LEAD_BYTES = 96
_INTRO = struct.Struct(">4s4xII")  # magic and version, reserved, entries, bytes of the store
_ENTRY = struct.Struct(">IIII")  # tag, type, offset, count
_MAGIC = b"\x8e\xad\xe8\x01"
_SIGTAG_MD5 = 1004
_MD5_BYTES = 16


def parse_signature_md5(head: bytes) -> str | None:
    """Return the MD5 of header and payload from an rpm's signature header; None if it has none.

    Layout: a lead of 96 bytes, then a header structure (rpm file format, version 4).

    Raises:
        ValueError: these are not the first bytes of an rpm.
    """
    try:
        magic, entries, _ = _INTRO.unpack_from(head, _LEAD_BYTES)
        if magic != _MAGIC:
            raise ValueError(f"signature header begins with {magic!r}, expected {_MAGIC!r}")
        start = _LEAD_BYTES + _INTRO.size
        store = start + entries * _ENTRY.size
        for number in range(entries):
            tag, _, offset, count = _ENTRY.unpack_from(head, start + number * _ENTRY.size)
            value = head[store + offset : store + offset + count]
            if tag == _SIGTAG_MD5 and len(value) == _MD5_BYTES:
                return value.hex()
    except struct.error as error:
        raise ValueError(f"cut short: {error}") from error
    return None
