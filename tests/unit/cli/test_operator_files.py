from pathlib import Path

import pytest

from fuel_upgrade.cli.operator_files import read_json, read_text, write_json
from fuel_upgrade.errors import ConfigError


def test_written_json_is_read_again(tmp_path: Path) -> None:
    write_json(tmp_path / "plan.json", {"steps": [1]}, mode=0o600)
    assert read_json(tmp_path / "plan.json", "a plan", remedy="") == {"steps": [1]}
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"no json", b"\xff"])
def test_a_file_that_is_no_json_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "plan.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"plan\.json") as caught:
        read_json(tmp_path / "plan.json", "a plan", remedy="name a plan")
    assert caught.value.remedy == "name a plan"


def test_a_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        read_text(tmp_path / "missing", remedy="name a file")
    with pytest.raises(ConfigError, match="missing"):
        write_json(tmp_path / "missing/plan.json", {})
