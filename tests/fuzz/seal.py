"""The seal, ``targets.json``."""

from fuel_upgrade.bundle.seal import SealedFile, parse_seal, render_seal
from tests.fuzz.json_mutation import JSON_WORDS, mutate_json
from tests.fuzz.target import Target

_SUM = "a" * 64
_SEED = render_seal(
    {
        "upgrade.sh": SealedFile(3, _SUM, executable=True),
        "upgrade/puppet/2014.2-6.0/manifests/site.pp": SealedFile(4, _SUM, link_target="x.pp"),
        "ü": SealedFile(0, _SUM),
    }
)


def read(data: bytes) -> None:
    """Read it; the files that it lists give a seal that lists the same files."""
    files = dict(parse_seal([data], source="test.tar"))
    assert parse_seal([render_seal(files)], source="again") == files


TARGET = Target(
    read,
    seeds=(_SEED, _SEED.replace(b'"targets":{', b'"targets":{},"x":{'), b"{}"),
    words=(
        *JSON_WORDS,
        *(b'"signed"', b'"signatures"', b'"targets"', b'"length"', b'"hashes"', b'"sha256"'),
        *(b'"custom"', b'"executable"', b'"link"', b'"version"', b'"expires"', b'"spec_version"'),
        *(b'"delegations"', b'"keys"', b'"roles"', b'"_type"', b'"keyid"', b'"sig"'),
    ),
    mutation=mutate_json,
)
