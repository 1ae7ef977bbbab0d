"""Module metadata (``modules.yaml``): parse its documents and select those for a diff repo.

dnf merges the documents of all repos: a package is visible if an enabled stream lists it, or if no
stream does. Of several defaults of a module the last modified one is used.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from fuel_upgrade.errors import BundleError
from fuel_upgrade.system.yaml_text import INDEX, check_yaml

_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: type[yaml.SafeDumper | yaml.CSafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# Every scalar is a string: a stream named 1.10 is not a number.
_TEXTS: type[yaml.BaseLoader | yaml.CBaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_REMEDY = "rebuild the metadata with createrepo_c and modifyrepo_c"
_STREAM_KINDS = ("modulemd", "modulemd-stream", "modulemd-stream-v2", "modulemd-packager")
_DEFAULTS = "modulemd-defaults"
NO_STREAM = "none-in-this-release"
"""The default stream of a module that has none: libmodulemd takes an older document's stream
where a newer one names none (measured with libmodulemd 2.14)."""


@dataclass(frozen=True, slots=True)
class ModuleDocument:
    """One document. ``artifacts`` are ``name-epoch:version-release.arch``.

    Only defaults have ``default``, ``profiles`` (the streams with default profiles) and
    ``modified``. ``text`` is the normalised document, for comparison.
    """

    kind: str
    module: str
    identity: tuple[str, ...]
    text: str
    artifacts: frozenset[str] = frozenset()
    default: str = ""
    profiles: tuple[str, ...] = ()
    modified: int = 0


def parse_modules(text: str, *, source: str) -> tuple[ModuleDocument, ...]:
    """Split ``modules.yaml`` into its documents. A malformed one has no kind.

    Raises:
        BundleError: it is malformed.
    """
    check_yaml(text, source=source, bounds=INDEX, remedy=_REMEDY)
    try:
        nodes = yaml.compose_all(text, Loader=_LOADER)
        values = yaml.load_all(text, Loader=_TEXTS)
        return tuple(
            _document(value, _spelled(node))
            for node, value in zip(nodes, values, strict=True)
            if value
        )
    except (yaml.YAMLError, ValueError) as error:
        raise BundleError(f"{source}: not module metadata: {error!r}", remedy=_REMEDY) from error


def _spelled(node: yaml.Node) -> str:
    text: str = yaml.serialize(node, Dumper=_DUMPER, explicit_start=True, explicit_end=True)
    return text


def _document(value: Any, text: str) -> ModuleDocument:
    try:
        return _known_document(value, text)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ModuleDocument("", "", (text,), text)  # dnf reports it and reads the others


def _known_document(value: Any, text: str) -> ModuleDocument:
    kind, data = str(value["document"]), value["data"]
    if kind == _DEFAULTS:
        module = str(data["module"])
        return ModuleDocument(
            kind,
            module,
            (module,),
            text,
            default=str(data.get("stream", "")),
            profiles=tuple(data.get("profiles") or ()),
            modified=int(data.get("modified", 0)),
        )
    if kind in _STREAM_KINDS:
        identity = tuple(
            str(data.get(k, "")) for k in ("name", "stream", "version", "context", "arch")
        )
        artifacts = frozenset((data.get("artifacts") or {}).get("rpms") or ())
        return ModuleDocument(kind, identity[0], identity, text, artifacts)
    # Translations, obsoletes and future kinds: identified by their whole text.
    return ModuleDocument(kind, str(data.get("module", "")), (text,), text)


def select_modules(
    current: Sequence[ModuleDocument],
    visible: Iterable[ModuleDocument],
    known: Iterable[ModuleDocument],
    carried: Collection[str],
) -> tuple[ModuleDocument, ...]:
    """Select the documents of a diff repo, so that it and its base act like ``current``.

    ``visible`` are the documents of the base repo; ``known`` those of it and all repos behind it;
    ``carried`` are the artifacts in the diff repo. Selected are new and changed documents, streams
    with carried packages, and every other document about their modules. Defaults are changed
    where needed to override those of the base.
    """
    there = {document.text for document in visible}
    touched = {d.module for d in current if not d.artifacts.isdisjoint(carried)}
    older = _newest_defaults(known)
    chosen = [
        _effective(d, older.get(d.module))
        for d in current
        if d.text not in there or not d.artifacts.isdisjoint(carried) or _is_about(d, touched)
    ]
    named = {d.module for d in current if d.kind == _DEFAULTS}
    gone = (d for module, d in sorted(older.items()) if module not in named)
    return (*chosen, *map(_defaults, gone))


def _is_about(document: ModuleDocument, modules: Collection[str]) -> bool:
    return document.kind not in _STREAM_KINDS and document.module in modules


def _newest_defaults(documents: Iterable[ModuleDocument]) -> dict[str, ModuleDocument]:
    newest: dict[str, ModuleDocument] = {}
    for document in documents:
        before = newest.get(document.module)
        if document.kind == _DEFAULTS and (before is None or before.modified < document.modified):
            newest[document.module] = document
    return newest


def _effective(document: ModuleDocument, older: ModuleDocument | None) -> ModuleDocument:
    if document.kind != _DEFAULTS or older is None or older.text == document.text:
        return document
    value = yaml.load(document.text, Loader=_TEXTS)  # noqa: S506 - makes only strings
    return _overriding(value, older)


def _overriding(value: Any, older: ModuleDocument) -> ModuleDocument:
    """Make absent values explicit, to override ``older``: libmodulemd merges both documents."""
    data = value["data"]
    data["stream"] = data.get("stream") or NO_STREAM
    data["modified"] = max(int(data.get("modified", 0)), older.modified + 1)
    unset: dict[str, Any] = {stream: [] for stream in older.profiles}
    data["profiles"] = unset | (data.get("profiles") or {})
    return _document(value, _dump(value))


def _defaults(older: ModuleDocument) -> ModuleDocument:
    value = {"document": _DEFAULTS, "version": 1, "data": {"module": older.module}}
    return _overriding(value, older)


def _dump(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, explicit_start=True, explicit_end=True)
    return text


def merge_modules(parts: Iterable[Sequence[ModuleDocument]]) -> tuple[ModuleDocument, ...]:
    """Merge the documents of several repos, newest first; the newest version of each is kept."""
    merged: dict[tuple[str, ...], ModuleDocument] = {}
    for documents in parts:
        for document in documents:
            merged.setdefault((document.kind, *document.identity), document)
    return tuple(merged.values())


def render_modules(documents: Iterable[ModuleDocument]) -> bytes:
    """Return the text of ``modules.yaml``."""
    return "".join(document.text for document in documents).encode()
