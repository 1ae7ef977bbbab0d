from fuel_upgrade.config import Config
from fuel_upgrade.system.addresses import (
    own_addresses,
    parse_ipv4_table,
    parse_ipv6_table,
    warn_of_address,
)


def test_a_host_has_its_loopback_address() -> None:
    assert "127.0.0.1" in own_addresses()


def test_addresses_are_read_from_the_kernels_tables() -> None:
    table = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
Local:
  +-- 127.0.0.0/8 2 0 2
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 127.255.255.255
        /32 link BROADCAST
  +-- 10.20.0.0/24 2 0 2
     |-- 10.20.0.2
        /32 host LOCAL
"""
    assert parse_ipv4_table(table) == {"127.0.0.1", "10.20.0.2"}
    six = "fe800000000000000000000000000001 02 40 20 80     eth0\n"
    assert parse_ipv6_table(six) == {"fe80::1"}


def test_no_known_addresses_give_no_warning() -> None:
    assert warn_of_address(Config(), ()) is None


def test_an_address_of_this_host_is_not_warned_of() -> None:
    assert warn_of_address(Config(master_ip="10.0.0.7"), ("10.0.0.7", "127.0.0.1")) is None


def test_a_host_name_is_not_warned_of() -> None:
    assert warn_of_address(Config(master_ip="master.local"), ("127.0.0.1",)) is None


def test_the_default_that_is_no_address_of_this_host_is_warned_of() -> None:
    assert warn_of_address(Config(), ("127.0.0.1", "10.0.0.7")) == (
        "master_ip 10.20.0.2 (the default) is not an address of this host, which has 10.0.0.7,"
        " 127.0.0.1: nodes would fetch their packages from another host; set master_ip in"
        " config.yaml to the address at which nodes reach this master"
    )
