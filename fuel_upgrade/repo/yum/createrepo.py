"""Load the library createrepo_c at its first use, and name the types that it lacks."""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

from fuel_upgrade.errors import BundleError, OutsideError
from fuel_upgrade.system import budgets
from fuel_upgrade.system.compression import DAMAGE, open_index

RepomdRecord: TypeAlias = Any
RpmPackage: TypeAlias = Any
UpdateRecord: TypeAlias = Any

_HEAD_BYTES = 1024
_READ_BYTES = 1 << 20
_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml\s[^>]*?encoding\s*=\s*["']([^"']*)""")
_COUNT = re.compile(rb"""<metadata\s[^>]*?packages\s*=\s*["']([^"']*)""")
_ENCODINGS = ("utf-8", "utf8", "us-ascii", "ascii")
_IS_OTHER = re.compile(rb"[\0\xfe\xff]|.\0|\x4c\x6f\xa7\x94", re.DOTALL).match
"""Whether XML begins in UTF-16, UTF-32 or EBCDIC."""
_OWN = Path(__file__).with_name("rpm")
_VARIABLE = "RPM_CONFIGDIR"
_LOADING = Lock()
_LOG_DOMAIN = b"C_CREATEREPOLIB"
_ALL_LEVELS = 0xFF  # of GLib's messages, fatal ones too
_LOG_HANDLER = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p
)
_IGNORE = _LOG_HANDLER(lambda *_: None)  # the library keeps a pointer to it


@contextmanager
def _own_settings_of_rpm() -> Iterator[None]:
    """Point the RPM library inside createrepo_c to the settings of this package.

    It reads its settings while it is loaded, and prints errors if the host has none, or those of
    another rpm version. Programs that are started later must not see the variable.
    """
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(_OWN)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


def _silence_log() -> None:
    """Keep the library from printing on stderr: it raises an exception for each fault too."""
    glib = ctypes.CDLL("libglib-2.0.so.0")  # loaded already, by the library
    glib.g_log_set_handler(_LOG_DOMAIN, _ALL_LEVELS, _IGNORE, None)


@cache
def _import() -> Any:
    with _own_settings_of_rpm():
        library = import_module("createrepo_c")
        _silence_log()
    return library


def load_library() -> Any:
    """Return the module createrepo_c, imported at the first call.

    Raises:
        OutsideError: it cannot be loaded: the wheel brings the module, but not the libraries of
            rpm and glib.
    """
    try:
        # Threads that change the environment at the same time would leave the variable set.
        with _LOADING:
            return _import()
    except (ImportError, OSError) as error:
        raise OutsideError(
            f"createrepo_c, which reads and writes yum repos, cannot be loaded: {error}",
            remedy="install its libraries: apt-get install createrepo-c, or dnf install"
            " createrepo_c",
            state="nothing was changed",
            code="library-missing",
        ) from error


def refuse_other_encoding(path: Path) -> None:
    """Refuse a file of XML that is not UTF-8, the encoding of all metadata.

    Of another one the library ends the process at bytes that it cannot decode: its parser has no
    message then (createrepo_c 1.2.1).

    Raises:
        BundleError: it begins as XML of another encoding, or declares one.
    """
    if not path.is_file():
        return  # a pipe would never open
    try:
        with open_index(path) as stream:
            head = stream.read(_HEAD_BYTES)
    except DAMAGE:
        return  # the library reports it
    declared = _DECLARED.match(head)
    name = declared[1].decode(errors="replace") if declared else "utf-8"
    if name.lower() not in _ENCODINGS or _IS_OTHER(head):
        raise BundleError(
            f"{path}: not UTF-8, in which all metadata of a yum repo is",
            remedy="rebuild the metadata with createrepo_c",
        )


def declared_count(path: Path) -> str | None:
    """Return the number of packages in the head of a primary, None if it has none there."""
    with open_index(path) as stream:
        match = _COUNT.search(stream.read(_HEAD_BYTES))
    return match[1].decode(errors="replace") if match else None


def refuse_bomb(path: Path, *, has_packages: bool = False) -> None:
    """Refuse a file whose content, or a package in it, is too large for the library.

    Raises:
        BundleError: it is too large, or damaged.
    """
    since_end = 0
    try:
        with open_index(path) as stream:
            while data := stream.read(_READ_BYTES):
                end = data.rfind(b"</package>")
                since_end = len(data) - end if end >= 0 else since_end + len(data)
                if has_packages and since_end > budgets.INDEX_ENTRY_BYTES:
                    raise OSError("one of its packages is too long")
    except FileNotFoundError:
        return  # the library reports it
    except DAMAGE as error:
        raise BundleError(f"{path}: {error}", remedy="copy the repo again") from error


def fault_text(error: Exception, path: Path) -> str:
    """Return the message of an error of the library in one line, without the path in it."""
    return " ".join(str(error).replace(f" '{path}'", "").replace("\n)", ")").split())


class _Library:
    """Proxy of the library: hosts that read no yum repo need not have it installed."""

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the library; errors as :func:`load_library`."""
        value = getattr(load_library(), name)
        vars(self)[name] = value  # the next access does not come here
        return value


createrepo_c: Any = _Library()
