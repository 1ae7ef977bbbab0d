"""The order in which Nailgun 6.0 returns a map of repos, and keys that keep theirs. Pure.

Nailgun 6.0 keeps the map in a dict of 64-bit CPython 2.7, without hash randomisation, and returns
it in the order of the dict's slots (contract: recorded maps). Nodes get their repos in that order.
"""

from collections.abc import Iterable, Sequence
from itertools import count

_BITS = (1 << 64) - 1
_FACTOR = 1_000_003
_SMALLEST = 8  # slots of a new dict
_GROWTH = 4  # a dict that is two thirds full gets at least so many slots for each entry
_SHIFT = 5  # of the hash, at each collision
_COPIES = 4  # of the dict, between a request and its answer
_NUMBERS_OF_SET = 1000


def hash_of(key: str) -> int:
    """Return the hash of an ASCII text in 64-bit CPython 2.7, as an unsigned number."""
    value = ord(key[0]) << 7 if key else 0
    for character in key:
        value = (_FACTOR * value & _BITS) ^ ord(character)
    return (value ^ len(key)) & _BITS


def order_of(keys: Iterable[str]) -> list[str]:
    """Return keys, inserted in this order, in the order of a dict of CPython 2.7."""
    slots: list[str | None] = [None] * _SMALLEST
    for used, key in enumerate(dict.fromkeys(keys), 1):
        _insert(slots, key)
        if used * 3 >= len(slots) * 2:
            present = _present(slots)
            slots = [None] * _slots_after_growth(used)
            for other in present:
                _insert(slots, other)
    return _present(slots)


def answered_order(keys: Iterable[str]) -> list[str]:
    """Return keys, sent in this order, in the order of Nailgun's answer: it copies its dict."""
    for _ in range(_COPIES):
        keys = order_of(keys)
    return list(keys)


def ordered_keys(names: Sequence[str], key_set: int = 0) -> list[str]:
    """Return a key for each name: the name, or ``zzNN-`` and the name.

    Each key has a slot of its own, after that of the key before it. So the order of the keys does
    not depend on the order of insertion, and copies of the dict keep it. The keys are also sorted,
    for a consumer that sorts them. Each ``key_set`` has other keys, for a Nailgun of another
    order; only the first has names without a prefix.
    """
    size = _slots_for(len(names))
    digits = 2 if size == _SMALLEST and not key_set else 4  # more slots take more tries
    keys: list[str] = []
    slot, number = -1, key_set * _NUMBERS_OF_SET - 1
    for position, name in enumerate(names):
        after = len(names) - position - 1
        highest = slot + (size - 1 - slot) // (after + 1)
        is_later = not key_set and name > (keys[-1] if keys else "")
        if is_later and slot < hash_of(name) % size < size - after:
            keys.append(name)
        else:
            number, key = next(
                (number, key)
                for number in count(number + 1)
                if slot < hash_of(key := f"zz{number:0{digits}}-{name}") % size <= highest
            )
            keys.append(key)
        slot = hash_of(keys[-1]) % size
    return keys


def _insert(slots: list[str | None], key: str) -> None:
    mask = len(slots) - 1
    rest = place = hash_of(key)
    while slots[place & mask] is not None:
        place = place * 5 + rest + 1
        rest >>= _SHIFT
    slots[place & mask] = key


def _present(slots: Iterable[str | None]) -> list[str]:
    return [key for key in slots if key is not None]


def _slots_after_growth(used: int) -> int:
    size = _SMALLEST
    while size <= used * _GROWTH:
        size *= 2
    return size


def _slots_for(number: int) -> int:
    """Return the number of slots of a dict with so many entries."""
    size = _SMALLEST
    for used in range(1, number + 1):
        if used * 3 >= size * 2:
            size = _slots_after_growth(used)
    return size
