"""Passwords and tokens, in the only forms in which the registry stores them."""

import hashlib
import hmac
import secrets

_SALT_BYTES = 16


def new_salt() -> bytes:
    """Return a fresh random salt."""
    return secrets.token_bytes(_SALT_BYTES)


def hash_password(password: str, salt: bytes) -> bytes:
    """Return the scrypt hash of a password: 32 bytes, some 16 MiB and 50 ms to make."""
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << 14, r=8, p=1, dklen=32)


def matches(password: str, salt: bytes, expected: bytes) -> bool:
    """Compare a password with a stored hash in constant time."""
    return hmac.compare_digest(hash_password(password, salt), expected)


def new_token() -> str:
    """Return a fresh random token: 64 hex digits."""
    return secrets.token_hex(32)


def token_digest(token: str) -> str:
    """Return the SHA-256 by which a token is stored; a token is random, so it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
