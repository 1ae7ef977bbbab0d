"""Users and their tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy import bindparam, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fuel_upgrade.registry.auth import passwords
from fuel_upgrade.registry.limits import LARGEST_ID, text_fault
from fuel_upgrade.registry.refusal import RefusedError, conflict
from fuel_upgrade.registry.store.database import Database
from fuel_upgrade.registry.store.rows import check_text, delete_one
from fuel_upgrade.registry.store.tables import Table, TokenRow, UserRow

TOKEN_LIFETIME_S = 24 * 60 * 60
_USER_NAME = Table.metadata.tables["users"].c["name"]
_TOKENS = Table.metadata.tables["tokens"].c
#: Built once: building it takes longer than asking it.
_TOKEN_EXPIRES_S = select(_TOKENS.expires_s).where(_TOKENS.digest == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """The user of a token, and its expiry in seconds since the epoch."""

    user_id: int
    name: str
    expires_s: int


class Accounts:
    """Users and tokens of a registry; every method is one transaction, from any thread.

    What is refused raises ``RefusedError``, a database that does not answer ``UnavailableError``.
    ``hash_blocks`` is the cost of a password's hash.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        *,
        hash_blocks: int = passwords.BLOCKS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._blocks = hash_blocks

    def users(self) -> tuple[tuple[int, str], ...]:
        """Return id and name of every user, by name."""
        query = select(UserRow.id, UserRow.name).order_by(UserRow.name)
        return self._database.read(
            lambda session: tuple((row.id, row.name) for row in session.execute(query))
        )

    def add_user(self, name: str, password: str) -> None:
        """Create a user, or refuse with 409."""
        salt = passwords.new_salt()
        hashed = passwords.hash_password(password, salt, blocks=self._blocks)
        self._database.write_or_refuse(
            lambda session: _insert_user(session, name, salt, hashed),
            conflict("User with the same name already exists"),
        )

    def set_password(self, name: str, password: str) -> None:
        """Create a user, or change its password, which revokes its tokens."""
        salt = passwords.new_salt()
        hashed = passwords.hash_password(password, salt, blocks=self._blocks)

        def work(session: Session) -> None:
            query = select(UserRow).where(UserRow.name == name).with_for_update()
            row = session.scalars(query).first()
            if row is None:
                _insert_user(session, name, salt, hashed)
                return
            row.salt, row.password_hash = salt, hashed
            session.execute(delete(TokenRow).where(TokenRow.user_id == row.id))

        try:
            self._database.write(work)
        except IntegrityError:
            self._database.write(work)  # the user was created at the same time: now the row exists

    def delete_user(self, name: str) -> None:
        """Remove a user and its tokens, or refuse with 404."""
        check_text(_USER_NAME, name)
        query = delete(UserRow).where(UserRow.name == name)
        self._database.write(lambda session: delete_one(session, query, "User"))

    def authenticate(self, name: str, password: str) -> int | None:
        """Return the id of the user with this name and password; None if there is none."""
        query = select(UserRow).where(UserRow.name == name)
        known = not text_fault(name, _USER_NAME)
        row = self._database.read(lambda s: s.scalars(query).first()) if known else None
        if row is None:
            # takes as long as for an existing user
            passwords.hash_password(password, b"", blocks=self._blocks)
            return None
        if not passwords.matches(password, row.salt, row.password_hash, blocks=self._blocks):
            return None
        if passwords.is_weak(row.password_hash):
            self.set_password(name, password)
        return row.id

    def issue_token(self, user_id: int, *, prefix: str = "") -> tuple[str, int]:
        """Return a new token and its expiry in seconds since the epoch; delete expired ones.

        The token begins with ``prefix``, which the stored digest protects against change. A user
        that was removed since its authentication is refused with 401.
        """
        token, now = prefix + passwords.new_token(), int(self._clock())
        expires_s = now + TOKEN_LIFETIME_S
        digest = passwords.token_digest(token)

        def work(session: Session) -> None:
            session.execute(delete(TokenRow).where(TokenRow.expires_s <= now))
            session.add(TokenRow(digest=digest, user_id=user_id, expires_s=expires_s))

        self._database.write_or_refuse(work, RefusedError(HTTPStatus.UNAUTHORIZED, ""))
        return token, expires_s

    def knows_token(self, token: str) -> bool:
        """Return whether this token was issued here and has not expired."""
        digest = passwords.token_digest(token)
        expires_s: int | None = self._database.scalar(_TOKEN_EXPIRES_S, {"digest": digest})
        return expires_s is not None and expires_s > self._clock()

    def token_holder(self, token: str) -> TokenHolder | None:
        """Return the holder of a token; None if it is unknown, expired or revoked."""
        query = (
            select(UserRow.id, UserRow.name, TokenRow.expires_s)
            .join(UserRow, UserRow.id == TokenRow.user_id)
            .where(TokenRow.digest == passwords.token_digest(token))
        )
        row = self._database.read(lambda session: session.execute(query).first())
        if row is None or row.expires_s <= self._clock():
            return None
        return TokenHolder(row.id, row.name, row.expires_s)

    def revoke_token(self, token: str) -> None:
        """Delete a token if it exists."""
        query = delete(TokenRow).where(TokenRow.digest == passwords.token_digest(token))
        self._database.write(lambda session: session.execute(query))

    def user_name(self, user_id: int) -> str | None:
        """Return the name of a user."""
        query = select(UserRow.name).where(UserRow.id == user_id)
        known = 0 < user_id <= LARGEST_ID
        return self._database.read(lambda s: s.scalars(query).first()) if known else None


def _insert_user(session: Session, name: str, salt: bytes, password_hash: bytes) -> None:
    check_text(_USER_NAME, name)
    session.add(UserRow(name=name, salt=salt, password_hash=password_hash))
    session.flush()
