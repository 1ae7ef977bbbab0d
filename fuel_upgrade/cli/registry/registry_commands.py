"""The registry's own commands, which need no daemon: user, export, import, migrate, serve."""

import sys
from pathlib import Path

import click

from fuel_upgrade.cli.console import echo, print_json, print_table
from fuel_upgrade.cli.group import command
from fuel_upgrade.cli.operator_files import write_json
from fuel_upgrade.cli.option_values import PATH
from fuel_upgrade.cli.registry.database_choice import Place, database_option, pass_place
from fuel_upgrade.errors import ConfigError
from fuel_upgrade.outside_text import printable_json

_STDIN = Path("-")


@command(
    "fuel-upgrade registry user add admin",
    "fuel-upgrade registry user add admin --replace --password-file - < secret",
    name="add",
)
@click.argument("name")
@click.option(
    "--password-file",
    type=PATH,
    metavar="FILE|-",
    help="Read the password from this file, which only its owner may read, or from stdin.",
)
@click.option("--replace", is_flag=True, help="Give an existing user this password.")
@database_option
@pass_place
def add_user(
    place: Place, *, name: str, password_file: Path | None, replace: bool, as_json: bool
) -> None:
    """Add the user NAME.

    Without --password-file, the terminal asks for the password twice. A new password revokes the
    tokens of the user.
    """
    from fuel_upgrade.cli.registry.open_registry import opened, refusals

    with opened(place) as store:
        if not replace and name in {known for _, known in store.accounts.users()}:
            raise _taken(name)  # before the password is typed
        password = _read_password(password_file)
        with refusals():
            if replace:
                store.accounts.set_password(name, password)
            else:
                store.accounts.add_user(name, password)
    if as_json:
        print_json({"user": name, "replaced": replace})
    else:
        echo(f"user {name} may log in")


@command("fuel-upgrade registry user list --json", name="list")
@database_option
@pass_place
def list_users(place: Place, *, as_json: bool) -> None:
    """List the users."""
    from fuel_upgrade.cli.registry.open_registry import opened

    with opened(place) as store:
        users = store.accounts.users()
    if as_json:
        print_json({"users": [{"id": number, "name": name} for number, name in users]})
    else:
        print_table(("id", "name"), users, empty="no users: nobody can log in")


@command("fuel-upgrade registry user remove admin", name="remove")
@click.argument("name")
@database_option
@pass_place
def remove_user(place: Place, *, name: str, as_json: bool) -> None:
    """Remove the user NAME and its tokens."""
    from fuel_upgrade.cli.registry.open_registry import opened, refusals

    with opened(place) as store, refusals():
        store.accounts.delete_user(name)
    if as_json:
        print_json({"removed": name})
    else:
        echo(f"user {name} is removed")


@command(
    "fuel-upgrade registry export --with-users all.json",
    "fuel-upgrade registry export > releases.json",
    name="export",
)
@click.argument("file", type=PATH, required=False)
@click.option("--with-users", is_flag=True, help="Write users too, with salted hashes.")
@database_option
@pass_place
def export_all(place: Place, *, file: Path | None, with_users: bool, as_json: bool) -> None:
    """Write everything in the registry as JSON.

    The output, FILE or stdout, has releases with all fields, clusters, nodes, tasks and
    notifications, in one consistent state. With users, only the owner can read the file.
    """
    from fuel_upgrade.cli.registry.open_registry import opened
    from fuel_upgrade.registry.store.export import export
    from fuel_upgrade.registry.store.migrate import HEAD

    with opened(place) as store, store.database.snapshot() as connection:
        exported = export(connection, with_users=with_users, revision=HEAD)
    if file is None or file == _STDIN:
        echo(printable_json(exported, indent=2))  # the file itself, for import
        return
    write_json(file, exported, mode=0o600 if with_users else 0o644)
    if as_json:
        print_json({"file": str(file)})


@command(
    "fuel-upgrade registry import all.json --database sqlite:////tmp/copy.db",
    "fuel-upgrade registry import - --replace < all.json",
    name="import",
)
@click.argument("file", type=PATH)
@click.option(
    "--replace", is_flag=True, help="Remove the content of the registry first; ids continue."
)
@database_option
@pass_place
def import_all(place: Place, *, file: Path, replace: bool, as_json: bool) -> None:
    """Read the file of an export into an empty registry.

    FILE is - for stdin. The import is one transaction and keeps all ids. Users are kept if FILE has
    none.
    """
    from fuel_upgrade.cli.registry.open_registry import opened, refusals
    from fuel_upgrade.registry.store.restore import parse, restore

    try:
        data = sys.stdin.buffer.read() if file == _STDIN else file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error}", remedy="name a file that can be read") from error
    content = parse(data, source=str(file))
    with opened(place) as store, refusals():
        restore(store.database, content, replace=replace)
    counts = content.counts()
    if as_json:
        print_json({"imported": counts})
    else:
        echo("imported: " + ", ".join(f"{count} {part}" for part, count in counts.items()))


@command("fuel-upgrade registry migrate", name="migrate")
@database_option
@pass_place
def migrate_tables(place: Place, *, as_json: bool) -> None:
    """Migrate the database to the newest tables.

    A backup is made before. Every other command and the daemon do the same when they open it.
    """
    from fuel_upgrade.cli.registry.open_registry import connected
    from fuel_upgrade.registry.store.migrate import HEAD, migrate

    with connected(place) as database:
        done = migrate(database, backups=place.backups)
    if as_json:
        print_json(done.to_json() if done else {"before": HEAD, "after": HEAD, "backup": None})
    elif done is None:
        echo(f"nothing to do: the tables have revision {HEAD}")
    else:
        echo(f"the tables went from revision {done.before or 'none'} to {done.after}")
        if done.backup:
            echo(f"backup: {done.backup}")


def _read_password(file: Path | None) -> str:
    if file is None and not sys.stdin.isatty():
        raise ConfigError(
            "there is no terminal to ask for the password",
            remedy="name a file with --password-file, or - for stdin",
        )
    if file is None:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    from fuel_upgrade.system.files import refuse_open_file

    try:
        text = sys.stdin.read() if file == _STDIN else refuse_open_file(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", remedy="name a file that can be read") from error
    password = text.removesuffix("\n")
    if not password:
        raise ConfigError(f"{file}: the password is empty", remedy="write a password into it")
    return password


def _taken(name: str) -> ConfigError:
    return ConfigError(
        f"the user {name} exists already", remedy="give --replace for a new password"
    )
