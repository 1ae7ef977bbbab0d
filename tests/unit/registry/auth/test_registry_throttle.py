from fuel_upgrade.registry.auth.throttle import Tries, TryLimits

LIMITS = TryLimits(per_name=3, per_address=5, window_s=60.0, kept=8)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_name_is_held_up_after_its_failures_and_let_in_after_the_window() -> None:
    clock = Clock()
    tries = Tries(LIMITS, clock=clock)
    for second in range(3):
        assert tries.wait_s("admin", "10.0.0.1") == 0
        clock.now_s = 1000.0 + second
        tries.failed("admin", "10.0.0.1")
    assert tries.wait_s("admin", "10.0.0.1") == 58
    assert tries.wait_s("admin", "10.0.0.2") == 58
    assert tries.wait_s("other", "10.0.0.1") == 0
    clock.now_s = 1060.0  # the first of the three is out of the window
    assert tries.wait_s("admin", "10.0.0.1") == 0
    tries.failed("admin", "10.0.0.1")
    assert tries.wait_s("admin", "10.0.0.1") == 1


def test_an_address_is_limited_across_all_names() -> None:
    tries = Tries(LIMITS, clock=Clock())
    for number in range(5):
        tries.failed(f"user {number}", "10.0.0.1")
    assert tries.wait_s("never tried", "10.0.0.1") == 60
    assert tries.wait_s("never tried", "10.0.0.2") == 0


def test_guesses_from_another_address_do_not_lock_the_user_out() -> None:
    tries = Tries(LIMITS, clock=Clock())
    tries.succeeded("admin", "10.0.0.9")
    for number in range(5):
        tries.failed("admin", f"10.0.0.{number}")
        tries.failed("stranger", "10.0.0.9")
    assert tries.wait_s("admin", "10.0.0.1") == 60
    assert tries.wait_s("admin", "10.0.0.9") == 0


def test_guesses_from_a_known_address_are_bounded_too() -> None:
    tries = Tries(LIMITS, clock=Clock())
    tries.succeeded("admin", "10.0.0.9")
    for _ in range(3):
        tries.failed("admin", "10.0.0.9")
    assert tries.wait_s("admin", "10.0.0.9") == 60
    assert tries.wait_s("admin", "10.0.0.1") == 0


def test_no_success_is_ever_slowed() -> None:
    tries = Tries(LIMITS, clock=Clock())
    for _ in range(1000):
        assert tries.wait_s("admin", "10.0.0.1") == 0
        tries.succeeded("admin", "10.0.0.1")


def test_the_memory_of_the_counters_is_bounded() -> None:
    tries = Tries(LIMITS, clock=Clock())
    for number in range(100):
        tries.failed(f"user {number}", f"address {number}")
        tries.succeeded(f"user {number}", f"address {number}")
        tries.failed(f"user {number}", f"address {number}")
    assert {kind: len(kept) for kind, kept in tries._failures.items()} == {
        "name": 8,
        "address": 8,
        "pair": 8,
    }
    assert len(tries._known) == 8
