"""Who may log in, and the tokens that were given."""

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
    """Who has a token, and until when, in seconds since the epoch."""

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
        wanted = select(UserRow.id, UserRow.name).order_by(UserRow.name)
        return self._database.read(
            lambda session: tuple((found.id, found.name) for found in session.execute(wanted))
        )

    def add_user(self, name: str, password: str) -> None:
        """Make a user, or refuse with 409."""
        salt = passwords.new_salt()
        hashed = passwords.hash_password(password, salt, blocks=self._blocks)
        self._database.write_or_refuse(
            lambda session: _insert_user(session, name, salt, hashed),
            conflict("User with the same name already exists"),
        )

    def set_password(self, name: str, password: str) -> None:
        """Make a user, or give an existing one this password, which ends what tokens it has."""
        salt = passwords.new_salt()
        hashed = passwords.hash_password(password, salt, blocks=self._blocks)

        def work(session: Session) -> None:
            wanted = select(UserRow).where(UserRow.name == name).with_for_update()
            row = session.scalars(wanted).first()
            if row is None:
                _insert_user(session, name, salt, hashed)
                return
            row.salt, row.password_hash = salt, hashed
            session.execute(delete(TokenRow).where(TokenRow.user_id == row.id))

        try:
            self._database.write(work)
        except IntegrityError:
            self._database.write(work)  # somebody made the user at the same time: now it is there

    def delete_user(self, name: str) -> None:
        """Remove a user and its tokens, or refuse with 404."""
        check_text(_USER_NAME, name)
        wanted = delete(UserRow).where(UserRow.name == name)
        self._database.write(lambda session: delete_one(session, wanted, "User"))

    def authenticate(self, name: str, password: str) -> int | None:
        """Return the id of the user with this name and password, if there is one."""
        wanted = select(UserRow).where(UserRow.name == name)
        known = not text_fault(name, _USER_NAME)
        row = self._database.read(lambda s: s.scalars(wanted).first()) if known else None
        if row is None:
            # as slow as for a user who exists
            passwords.hash_password(password, b"", blocks=self._blocks)
            return None
        if not passwords.matches(password, row.salt, row.password_hash, blocks=self._blocks):
            return None
        if passwords.is_weak(row.password_hash):
            self.set_password(name, password)
        return row.id

    def issue_token(self, user_id: int, *, prefix: str = "") -> tuple[str, int]:
        """Return a new token and when it expires, in seconds since the epoch; forget old ones.

        ``prefix`` begins the token. Only its digest is stored, so nobody can exchange it. A user
        who was removed since it was authenticated is refused with 401.
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
        """Say whether this token was issued here and has not expired."""
        digest = passwords.token_digest(token)
        expires_s: int | None = self._database.scalar(_TOKEN_EXPIRES_S, {"digest": digest})
        return expires_s is not None and expires_s > self._clock()

    def token_holder(self, token: str) -> TokenHolder | None:
        """Return who has this token; None if it was not issued here, expired, or was revoked."""
        wanted = (
            select(UserRow.id, UserRow.name, TokenRow.expires_s)
            .join(UserRow, UserRow.id == TokenRow.user_id)
            .where(TokenRow.digest == passwords.token_digest(token))
        )
        row = self._database.read(lambda session: session.execute(wanted).first())
        if row is None or row.expires_s <= self._clock():
            return None
        return TokenHolder(row.id, row.name, row.expires_s)

    def revoke_token(self, token: str) -> None:
        """Forget a token; nothing happens if there is none."""
        wanted = delete(TokenRow).where(TokenRow.digest == passwords.token_digest(token))
        self._database.write(lambda session: session.execute(wanted))

    def user_name(self, user_id: int) -> str | None:
        """Return the name of a user."""
        wanted = select(UserRow.name).where(UserRow.id == user_id)
        known = 0 < user_id <= LARGEST_ID
        return self._database.read(lambda s: s.scalars(wanted).first()) if known else None


def _insert_user(session: Session, name: str, salt: bytes, password_hash: bytes) -> None:
    check_text(_USER_NAME, name)
    session.add(UserRow(name=name, salt=salt, password_hash=password_hash))
    session.flush()
