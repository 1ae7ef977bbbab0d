"""Sign the index of a repo with gpg, in the files where apt and yum expect the signature."""

from dataclasses import dataclass
from pathlib import Path

from fuel_upgrade.errors import CommandError
from fuel_upgrade.system import process

_TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret key by its id or fingerprint, in the keyring at ``home`` (None: gpg's own)."""

    key_id: str
    home: Path | None = None


def sign_apt(folder: Path, key: SigningKey) -> None:
    """Write ``InRelease`` and ``Release.gpg`` beside the ``Release`` in ``folder``.

    Raises:
        CommandError: gpg is not installed, or cannot sign with the key.
    """
    _gpg(key, "--clearsign", folder / "Release", folder / "InRelease")
    _gpg(key, "--detach-sign", folder / "Release", folder / "Release.gpg")


def sign_yum(folder: Path, key: SigningKey) -> None:
    """Write ``repomd.xml.asc`` beside the ``repomd.xml`` in ``folder``.

    Raises:
        CommandError: gpg is not installed, or cannot sign with the key.
    """
    _gpg(key, "--detach-sign", folder / "repomd.xml", folder / "repomd.xml.asc")


def _gpg(key: SigningKey, mode: str, source: Path, target: Path) -> None:
    home = ("--homedir", str(key.home)) if key.home else ()
    choice = ("--local-user", key.key_id, "--digest-algo", "SHA512", "--armor")
    argv = ("gpg", *home, "--batch", "--yes", *choice, "--output", str(target), mode, str(source))
    try:
        process.run(argv, timeout_s=_TIMEOUT_S)
    except CommandError as error:
        # without the command itself: its input is in a folder that is deleted by then
        named = " ".join((*home, "--list-secret-keys", key.key_id))
        remedy = f"check that gpg can sign with this key: gpg {named}"
        raise error.amended(
            remedy="install gnupg" if error.returncode is None else remedy
        ) from error
