from fuel_upgrade.registry.auth.throttle import FailedLogins, LoginLimits

LIMITS = LoginLimits(per_name=3, per_address=5, window_s=60.0, kept=8)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_name_is_held_up_after_its_failures_and_let_in_after_the_window() -> None:
    clock = Clock()
    logins = FailedLogins(LIMITS, clock=clock)
    for second in range(3):
        assert logins.wait_s("admin", "10.0.0.1") == 0
        clock.now_s = 1000.0 + second
        logins.failed("admin", "10.0.0.1")
    assert logins.wait_s("admin", "10.0.0.1") == 58
    assert logins.wait_s("admin", "10.0.0.2") == 58
    assert logins.wait_s("other", "10.0.0.1") == 0
    clock.now_s = 1060.0  # the first of the three is out of the window
    assert logins.wait_s("admin", "10.0.0.1") == 0
    logins.failed("admin", "10.0.0.1")
    assert logins.wait_s("admin", "10.0.0.1") == 1


def test_an_address_is_limited_across_all_names() -> None:
    logins = FailedLogins(LIMITS, clock=Clock())
    for number in range(5):
        logins.failed(f"user {number}", "10.0.0.1")
    assert logins.wait_s("never tried", "10.0.0.1") == 60
    assert logins.wait_s("never tried", "10.0.0.2") == 0


def test_guesses_from_another_address_do_not_lock_the_user_out() -> None:
    logins = FailedLogins(LIMITS, clock=Clock())
    logins.succeeded("admin", "10.0.0.9")
    for number in range(5):
        logins.failed("admin", f"10.0.0.{number}")
        logins.failed("stranger", "10.0.0.9")
    assert logins.wait_s("admin", "10.0.0.1") == 60
    assert logins.wait_s("admin", "10.0.0.9") == 0


def test_guesses_from_a_known_address_are_bounded_too() -> None:
    logins = FailedLogins(LIMITS, clock=Clock())
    logins.succeeded("admin", "10.0.0.9")
    for _ in range(3):
        logins.failed("admin", "10.0.0.9")
    assert logins.wait_s("admin", "10.0.0.9") == 60
    assert logins.wait_s("admin", "10.0.0.1") == 0


def test_no_success_is_ever_slowed() -> None:
    logins = FailedLogins(LIMITS, clock=Clock())
    for _ in range(1000):
        assert logins.wait_s("admin", "10.0.0.1") == 0
        logins.succeeded("admin", "10.0.0.1")


def test_the_memory_of_the_counters_is_bounded() -> None:
    logins = FailedLogins(LIMITS, clock=Clock())
    for number in range(100):
        logins.failed(f"user {number}", f"address {number}")
        logins.succeeded(f"user {number}", f"address {number}")
        logins.failed(f"user {number}", f"address {number}")
    assert {kind: len(kept) for kind, kept in logins._failures.items()} == {
        "name": 8,
        "address": 8,
        "pair": 8,
    }
    assert len(logins._known) == 8


def test_the_socket_of_the_daemon_has_no_limit_and_guesses_set_none() -> None:
    logins = FailedLogins(LIMITS, clock=Clock())
    for _ in range(50):
        logins.failed("fuel-upgrade", "127.0.0.1")
        logins.failed("fuel-upgrade", "")
    assert logins.wait_s("fuel-upgrade", "") == 0
    assert logins.wait_s("fuel-upgrade", "127.0.0.1") == 60
