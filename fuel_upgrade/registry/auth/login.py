"""Logins with limits on wrong passwords."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus

from fuel_upgrade.registry.auth.accounts import Accounts
from fuel_upgrade.registry.auth.throttle import FailedLogins
from fuel_upgrade.registry.refusal import RefusedError

_AT_ONCE = 4  # hashes, of 16 MiB each: a flood of logins must not take the memory


class Login:
    """Checks passwords for both versions of Keystone, with one count of failures."""

    def __init__(self, accounts: Accounts, failed_logins: FailedLogins) -> None:
        self._accounts = accounts
        self._failed_logins = failed_logins
        # threads of their own: malloc keeps the memory of a hash in each thread that made one
        self._hashers = ThreadPoolExecutor(_AT_ONCE, "login")

    def user_id(self, name: str, password: str, address: str) -> int:
        """Return the id of the user with this name and password.

        Raises:
            RefusedError: 401 for a wrong name or password, alike; 429 after too many of them, also
                for the right password.
        """
        attempt = partial(self._attempt, name, password, address)
        # the daemon's own login has no address, and waits for no other
        user_id = self._hashers.submit(attempt).result() if address else attempt()
        if user_id is None:
            self._failed_logins.failed(name, address)
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "")
        # Again: concurrent guesses all pass the first check before any of them has failed.
        self._refuse_too_many(name, address)
        self._failed_logins.succeeded(name, address)
        return user_id

    def _attempt(self, name: str, password: str, address: str) -> int | None:
        self._refuse_too_many(name, address)
        return self._accounts.authenticate(name, password)

    def _refuse_too_many(self, name: str, address: str) -> None:
        wait_s = self._failed_logins.wait_s(name, address)
        if wait_s:
            # without Retry-After, on which Keystone's clients of that time fail with a traceback
            text = f"Too many wrong passwords; try again in {wait_s} seconds"
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, text)
