"""The settings: defaults, and every fault of the file at once."""

import re
import traceback
from dataclasses import fields
from pathlib import Path

import pytest

from fuel_upgrade import config
from fuel_upgrade.config import Config, NailgunSettings, Paths, parse, read
from fuel_upgrade.errors import ConfigError


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n", "paths: {}", "---\n"])
def test_a_missing_setting_has_its_default(text: str) -> None:
    assert parse(text) == Config()


def test_settings_are_taken() -> None:
    text = """
    master_ip: 10.0.0.1
    disk_reserve_mb: 7
    paths: {repos: /srv/repos}
    nailgun: {url: "http://n:8000", timeout_s: 5, retries: 0}
    registry: {port: 0}
    hooks: {timeout_s: 9}
    """
    parsed = parse(text)
    assert (parsed.master_ip, parsed.disk_reserve_mb) == ("10.0.0.1", 7)
    assert parsed.paths == Paths(repos=Path("/srv/repos"))
    assert parsed.nailgun == NailgunSettings(url="http://n:8000", timeout_s=5.0, retries=0)
    assert isinstance(parsed.nailgun.timeout_s, float)
    assert parsed.registry.port == 0
    assert parsed.hooks.timeout_s == 9


def test_nothing_is_a_value_where_a_setting_may_be_absent() -> None:
    assert parse("nailgun: {url: null}").nailgun.url is None
    with pytest.raises(ConfigError, match="master_ip: expected str, found None"):
        parse("master_ip: null")


def test_all_faults_are_reported_at_once() -> None:
    text = """
    master_ip: 5
    colour: blue
    log_level: loud
    disk_reserve_mb: yes
    paths: {repos: relative, journal: /x, puppet: [1]}
    nailgun: {timeout_s: 0, url: 3, retries: many}
    registry: [8000]
    hooks: {timeout_s: 0}
    """
    with pytest.raises(ConfigError) as caught:
        parse(text, source="c.yaml")
    for fault in (
        "c.yaml: ",
        "master_ip: expected str, found 5",
        "colour: unknown setting (known: master_ip,",
        "log_level: 'loud' is not debug, info, warning or error",
        "disk_reserve_mb: expected int, found True",
        "paths.repos: relative is not absolute",
        "paths.journal: unknown setting",
        "paths.puppet: expected Path, found [1]",
        "nailgun.timeout_s: must be above 0",
        "nailgun.url: expected str or nothing, found 3",
        "nailgun.retries: expected int, found 'many'",
        "registry: expected settings, found [8000]",
        "hooks.timeout_s: must be above 0",
    ):
        assert fault in caught.value.what
    assert caught.value.what.count(";") == 11
    assert "c.yaml" in caught.value.remedy


@pytest.mark.parametrize("port", [-1, 1 << 16])
def test_a_port_that_cannot_be_is_refused(port: int) -> None:
    with pytest.raises(ConfigError, match=r"registry\.port: must lie between"):
        parse(f"registry: {{port: {port}}}")


@pytest.mark.parametrize("text", ["{", "a: b: c", "at: 2014-13-45", "[" * 400, "!!python/name:os"])
def test_text_that_is_not_yaml_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not YAML"):
        parse(text)


@pytest.mark.parametrize("text", ["[]", "text", "5"])
def test_yaml_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="the file: expected settings"):
        parse(text)


def test_a_root_moves_every_path_below_it() -> None:
    actual = Config().under(Path("/scratch"))
    for field in fields(Paths):
        before: Path = getattr(Paths(), field.name)
        assert getattr(actual.paths, field.name) == Path(f"/scratch{before}")
    assert actual.paths.journal == Path("/scratch/var/lib/fuel_upgrade/journal.sqlite")
    assert actual.paths.version_link == Path("/scratch/etc/fuel/version.yaml")
    assert actual.paths.release_versions.parent == actual.paths.version_link.parent
    assert {actual.paths.registry.parent, actual.paths.registry_password.parent} == {
        actual.paths.lock.parent
    }
    assert actual.master_ip == Config().master_ip


def test_files_of_nailgun_move_below_the_root_too() -> None:
    actual = parse("nailgun: {password_file: /etc/p, ca_file: /etc/ca.pem}").under(Path("/scratch"))
    assert actual.nailgun.password_file == Path("/scratch/etc/p")
    assert actual.nailgun.ca_file == Path("/scratch/etc/ca.pem")
    assert Config().under(Path("/scratch")).nailgun.password_file is None


def test_a_password_is_not_shown() -> None:
    text = "nailgun: {password: secret, proxy: 'http://u:secret@p:3128'}"
    assert "secret" not in repr(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "nailgun: {password: [s3cret]}",
        "nailgun: {password: 53}",
        "nailgun: {proxy: {s3cret: 1}}",
        "nailgun: {proxy: 'ftp://u:s3cret@p'}",
        "nailgun: {url: 'http://u:s3cret@n'}",
        "nailgun: {keystone_url: 'http://u:s3cret@n'}",
        "nailgun:\n  password:s3cret",
        "nailgun: [s3cret]",
        "- s3cret",
        "nailgun:\n  password: s3cret: more",
        "nailgun:\n  password: 's3cret",
        "nailgun:\n  password: *s3cret",
        "nailgun:\n  password: !s3cret x",
        "nailgun:\n  password: %s3cret",
        'nailgun:\n  password: "\\s3cret"',
    ],
)
def test_no_fault_quotes_a_possible_password(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    shown = "".join(traceback.format_exception(caught.value))
    assert "3cret" not in shown
    assert "53" not in caught.value.what


def test_a_fault_of_yaml_says_where_it_is() -> None:
    with pytest.raises(ConfigError, match=r"c\.yaml: not YAML: line 2, column 9: "):
        parse("nailgun:\n  url: a: b", source="c.yaml")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("url: 10.20.0.2:8000", "url: expected http:// or https:// and a host"),
        ("url: 'http://'", "url: expected http:// or https:// and a host"),
        ("url: 'http://n:port'", "url: expected http:// or https:// and a host"),
        ("url: 'http://[n'", "url: expected http:// or https:// and a host"),
        ("url: 'http://a b'", "url: expected http:// or https:// and a host"),
        ("url: 'http://user@n'", "url: must not contain a user or password"),
        ("keystone_url: ftp://k", "keystone_url: expected http:// or https:// and a host"),
        ("keystone_version: v2", "keystone_version: expected auto or v2.0 or v3, found 'v2'"),
        ("proxy: 'socks5://p:1080'", "proxy: expected http:// or https:// and a host"),
        ("password_file: p", "password_file: p is not absolute"),
        ("ca_file: ca.pem", "ca_file: ca.pem is not absolute"),
        ("ca_file: 5", "ca_file: expected Path or nothing, found 5"),
        ("deadline_s: 0", "deadline_s: must be above 0"),
        ("retries: -1", "retries: must not be below 0"),
    ],
)
def test_each_setting_of_nailgun_is_checked(setting: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"nailgun: {{{setting}}}", source="c")
    assert caught.value.what == f"c: nailgun.{message}"


def test_the_default_file_may_be_absent_and_is_looked_for_under_the_root(tmp_path: Path) -> None:
    assert read(None, root=tmp_path) == Config().under(tmp_path)
    (tmp_path / "etc/fuel-upgrade").mkdir(parents=True)
    (tmp_path / "etc/fuel-upgrade/config.yaml").write_text("master_ip: 10.0.0.1")
    assert read(None, root=tmp_path).master_ip == "10.0.0.1"


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read(tmp_path / "c.yaml")


def test_a_named_file_is_not_looked_for_under_the_root(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("paths: {repos: /srv}")
    assert read(tmp_path / "c.yaml", root=Path("/r")).paths.repos == Path("/r/srv")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xff")
    for path in (tmp_path / "c.yaml", tmp_path):
        with pytest.raises(ConfigError, match=re.escape(f"{path}: ")) as caught:
            read(path)
        assert "readable text" in caught.value.remedy


def test_the_shipped_file_is_right() -> None:
    shipped = Path(config.__file__).parents[1] / "etc/fuel-upgrade/config.yaml"
    if not shipped.exists():
        pytest.skip("there is none yet")
    read(shipped)


def test_the_registrys_database_is_a_file_of_the_state_unless_a_url_is_given() -> None:
    assert Config().registry_url == "sqlite:////var/lib/fuel_upgrade/registry.sqlite"
    parsed = parse('registry: {database: "postgresql+psycopg://fuel@db/registry"}')
    assert parsed.registry_url == "postgresql+psycopg://fuel@db/registry"
    assert parsed.under(Path("/scratch")).registry_url == parsed.registry_url


def test_the_file_of_a_database_moves_below_the_root() -> None:
    actual = parse('registry: {database: "sqlite:////srv/r.sqlite"}').under(Path("/scratch"))
    assert actual.registry_url == "sqlite:////scratch/srv/r.sqlite"


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "sqlite:///relative", ""])
def test_a_database_of_another_kind_is_refused_unseen(url: str) -> None:
    with pytest.raises(ConfigError, match=r"registry\.database: expected sqlite:////") as caught:
        parse(f'registry: {{database: "{url}"}}')
    assert "secret" not in str(caught.value)


def test_a_password_in_a_url_is_not_shown() -> None:
    assert "secret" not in repr(parse('registry: {database: "postgresql://u:secret@h/d"}'))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("masterip: 10.0.0.1", "masterip: unknown setting: did you mean master_ip?"),
        ("Log_Level: info", "Log_Level: unknown setting: did you mean log_level?"),
        ("nailgun: {user: x}", "nailgun.user: unknown setting: did you mean nailgun.username?"),
        ("port: 1", "port: unknown setting: did you mean registry.port or metrics.port?"),
        ("7: x", "7: unknown setting (known: master_ip,"),
    ],
)
def test_a_mistyped_key_gets_the_likely_one(text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert fault in caught.value.what


def test_metrics_are_served_on_loopback_only() -> None:
    with pytest.raises(ConfigError, match=r"metrics\.host: expected 127\.0\.0\.1 or ::1"):
        parse("metrics: {host: 0.0.0.0, port: 9100}")
