from dataclasses import replace
from pathlib import Path

import pytest

from fuel_upgrade.config import Config, HookSettings, NailgunSettings, Paths
from fuel_upgrade.daemon.live_settings import LiveSettings
from fuel_upgrade.errors import ConfigError

OLD = Config(nailgun=NailgunSettings(url="http://n:8000", password="first"))


def test_a_live_setting_changes_and_is_named_without_its_value() -> None:
    new = replace(
        OLD,
        log_level="debug",
        hooks=HookSettings(timeout_s=5),
        nailgun=replace(OLD.nailgun, password="second"),
    )
    live = LiveSettings(OLD, lambda: new)
    done = live.reload()
    assert done.changed == ("log_level", "nailgun.password", "hooks.timeout_s")
    assert done.need_restart == ()
    assert live.config == new


def test_a_setting_that_needs_a_restart_is_kept_and_named() -> None:
    new = replace(
        OLD,
        master_ip="10.0.0.9",
        paths=Paths(repos=Path("/srv")),
        nailgun=replace(OLD.nailgun, url="http://other:8000"),
        keep_installs=3,
    )
    live = LiveSettings(OLD, lambda: new)
    done = live.reload()
    assert done.changed == ("keep_installs",)
    assert done.need_restart == ("master_ip", "paths.repos", "nailgun.url")
    assert live.config == replace(OLD, keep_installs=3)


def test_settings_that_are_wrong_change_nothing() -> None:
    def read() -> Config:
        raise ConfigError("a fault", remedy="correct it")

    live = LiveSettings(OLD, read)
    with pytest.raises(ConfigError):
        live.reload()
    assert live.config is OLD


def test_running_work_keeps_the_old_settings() -> None:
    live = LiveSettings(OLD, lambda: replace(OLD, keep_installs=3))
    began_with = live.config
    live.reload()
    assert began_with.keep_installs == OLD.keep_installs
