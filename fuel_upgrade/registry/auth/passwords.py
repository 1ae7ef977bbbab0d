"""Hashes of passwords and digests of tokens, as the registry stores them."""

import hashlib
import hmac
import secrets

_SALT_BYTES = 16
_DIGEST_BYTES = 32
#: One of the settings that OWASP's Password Storage Cheat Sheet names as the least for scrypt:
#: n=2**14, r=8, p=5. Of those equal ones it takes the least memory: 16 MiB a running login.
BLOCKS = 1 << 14
_LANES = 5
#: The prefix of a digest with five lanes. Earlier versions used one lane, and no prefix.
_MARK = b"p5:"


def new_salt() -> bytes:
    """Return a fresh random salt."""
    return secrets.token_bytes(_SALT_BYTES)


def hash_password(password: str, salt: bytes, *, blocks: int = BLOCKS) -> bytes:
    """Return the scrypt hash of a password in stored form: some 16 MiB and 200 ms to make."""
    return _MARK + _scrypt(password, salt, blocks=blocks, lanes=_LANES)


def matches(password: str, salt: bytes, expected: bytes, *, blocks: int = BLOCKS) -> bool:
    """Compare a password with a stored hash in constant time."""
    if is_weak(expected):
        return hmac.compare_digest(_scrypt(password, salt, blocks=blocks, lanes=1), expected)
    return hmac.compare_digest(hash_password(password, salt, blocks=blocks), expected)


def is_weak(stored: bytes) -> bool:
    """Return whether a hash is of an earlier version, and must be replaced."""
    return len(stored) == _DIGEST_BYTES


def new_token() -> str:
    """Return a fresh random token: 64 hex digits."""
    return secrets.token_hex(32)


def token_digest(token: str) -> str:
    """Return the SHA-256 by which a token is stored; a token is random, so it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def _scrypt(password: str, salt: bytes, *, blocks: int, lanes: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=blocks, r=8, p=lanes, dklen=_DIGEST_BYTES)
