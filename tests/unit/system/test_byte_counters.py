import re
from pathlib import Path

import fuel_upgrade
from fuel_upgrade.system.progress import IN_BYTES

PACKAGE = Path(fuel_upgrade.__file__).parent


def test_all_work_that_is_counted_in_bytes_is_shown_in_bytes() -> None:
    texts = (path.read_text() for path in PACKAGE.rglob("*.py"))
    counted = {name for text in texts for name in re.findall(r'ByteCounter\(\w+, "(.*?)"', text)}
    assert counted == IN_BYTES
