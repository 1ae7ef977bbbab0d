from fuel_upgrade.config import Config
from fuel_upgrade.system.addresses import own_addresses, warn_of_address


def test_a_host_has_its_loopback_address() -> None:
    assert "127.0.0.1" in own_addresses()


def test_an_address_of_this_host_is_not_warned_of() -> None:
    assert warn_of_address(Config(master_ip="10.0.0.7"), ("10.0.0.7", "127.0.0.1")) is None


def test_a_host_name_is_not_warned_of() -> None:
    assert warn_of_address(Config(master_ip="master.local"), ("127.0.0.1",)) is None


def test_the_default_that_is_no_address_of_this_host_is_warned_of() -> None:
    assert warn_of_address(Config(), ("127.0.0.1", "10.0.0.7")) == (
        "master_ip 10.20.0.2 (the default) is no address of this host, which has 10.0.0.7,"
        " 127.0.0.1: nodes would look for their packages elsewhere; set master_ip in config.yaml"
        " to the address at which nodes reach this master"
    )
