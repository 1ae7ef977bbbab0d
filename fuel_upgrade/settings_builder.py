"""Builds the frozen dataclasses of settings from YAML data; collects every fault."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import is_dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

_INVALID = object()  # a value of the wrong type: the setting keeps its default


class SettingsBuilder:
    """Builds ``root``, whose fields are settings or groups of settings, dataclasses as well.

    ``secret`` names the settings whose values no fault may quote; "" is all data. ``faults`` has
    a text for each fault.
    """

    def __init__(self, root: type[Any], *, secret: Collection[str]) -> None:
        self._root = root
        self._secret = secret
        self.faults: list[str] = []

    def build(self, data: object) -> Any:
        """Return the settings; missing and invalid ones have their defaults."""
        return self._group(self._root, data, "")

    def _group(self, cls: type[Any], data: object, prefix: str) -> Any:
        if not isinstance(data, dict):
            name = prefix.rstrip(".")
            found = self._show(data, name)
            self.faults.append(f"{name or 'the file'}: expected settings, found {found}")
            return cls()
        hints = get_type_hints(cls)
        values = {}
        for key, value in data.items():
            if key not in hints:
                suggestion = self._suggest(str(key), prefix, hints)
                self.faults.append(f"{prefix}{key}: unknown setting{suggestion}")
            else:
                values[key] = self._convert(hints[key], value, f"{prefix}{key}")
        return cls(**{key: value for key, value in values.items() if value is not _INVALID})

    def _suggest(self, key: str, prefix: str, known: Iterable[str]) -> str:
        """Suggest similar settings of this group, else of any group; or list all of this group."""
        group = {name: f"{prefix}{name}" for name in known}
        similar = [group[name] for name in get_close_matches(key.lower(), group, n=1)]
        everywhere = _names(self._root)
        similar = similar or [name for name in everywhere if name.rpartition(".")[2] == key]
        if similar:
            return f": did you mean {' or '.join(similar)}?"
        return f" (known: {', '.join(group)})"

    def _convert(self, hint: Any, value: object, name: str) -> Any:
        if is_dataclass(hint):
            return self._group(hint, value, f"{name}.")  # type: ignore[arg-type]  # a class
        if Path in (hint, *get_args(hint)) and isinstance(value, str):
            return Path(value)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return self._choice(hint, value, name)
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        if isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)):
            return value
        expected = " or ".join("nothing" if k is type(None) else k.__name__ for k in kinds)
        self.faults.append(f"{name}: expected {expected}, found {self._show(value, name)}")
        return _INVALID

    def _choice(self, choices: type[Enum], value: object, name: str) -> object:
        known = [str(choice.value) for choice in choices]
        if value in known:
            return choices(value)
        self.faults.append(f"{name}: expected {' or '.join(known)}, found {value!r}")
        return _INVALID

    def _show(self, value: object, name: str) -> str:
        return type(value).__name__ if name in self._secret else repr(value)


def _names(cls: type[Any], prefix: str = "") -> Iterator[str]:
    """Yield the name of every setting, with the name of its group."""
    for name, hint in get_type_hints(cls).items():
        if is_dataclass(hint):
            yield from _names(hint, f"{name}.")  # type: ignore[arg-type]  # a class
        else:
            yield f"{prefix}{name}"
