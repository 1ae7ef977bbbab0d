"""Every command by name: the module that it is in, and its short help.

A module is loaded when its command is called or asked for its own help, so that a master needs no
library of the build side, and ``--help`` waits for none. The short help is the first sentence of
the command's own; a test compares them.
"""

import click

from fuel_upgrade.cli.group import Lazy, LazyGroup, examples

repo = LazyGroup(
    "repo",
    {
        "diff": Lazy("repo:diff", "Write the repo of the packages of CURRENT that BASE lacks"),
        "prove": Lazy("prove:prove", "Prove that BASE and DIFF are together CURRENT"),
        "report": Lazy("report:report_repo", "Report what changed from BASE to CURRENT"),
        "squash": Lazy("repo:squash", "Write the newest release of a chain as a full repo"),
        "view": Lazy("repo:view", "Write the full view of a diff repo, which needs no base"),
    },
    help="Build diff repos, and full repos of them; prove them, and report what changed.",
    epilog=examples(
        "fuel-upgrade repo diff /repos/5.1/ubuntu /repos/6.0/ubuntu -o diff",
        "fuel-upgrade repo prove /repos/5.1/ubuntu diff /repos/6.0/ubuntu",
    ),
)

bundle = LazyGroup(
    "bundle",
    {
        "build": Lazy("bundle:build", "Build an upgrade tarball of what BUNDLE_YAML names"),
        "inspect": Lazy("bundle:inspect", "List what is in a tarball"),
        "repair": Lazy("bundle:repair", "Build TARBALL anew with the packages that a master lacks"),
        "report": Lazy("report:report_bundle", "Report what changes with a tarball"),
    },
    help="Build, repair and inspect upgrade tarballs.",
    epilog=examples(
        "fuel-upgrade bundle build bundle.yaml -o fuel-6.0-upgrade.tar.zst",
        "fuel-upgrade bundle inspect fuel-6.0-upgrade.tar.zst",
    ),
)

nailgun = LazyGroup(
    "nailgun",
    {
        "check": Lazy("nailgun:check", "Show how Nailgun is reached, and whether a login works"),
        "login": Lazy("nailgun:login", "Ask for the password of Nailgun, try it, and keep it"),
    },
    help="Try the way to Nailgun that the configuration describes; needs no daemon.",
    epilog=examples("fuel-upgrade nailgun check", "fuel-upgrade nailgun login"),
)

node = LazyGroup(
    "node",
    {
        "apply": Lazy("node_apply:apply", "Bring this node to RELEASE"),
        "plan": Lazy("node_apply:plan", "Show what brings this node's packages to RELEASE"),
        "sources": Lazy("node:sources", "Write package sources for nodes of RELEASE"),
    },
    help="Write package sources for nodes, and bring nodes to a release.",
    epilog=examples(
        "fuel-upgrade node sources 2014.2-6.0 --os ubuntu -o tree",
        "fuel-upgrade node apply 2014.2-6.0 --os ubuntu --dry-run",
    ),
)

users = LazyGroup(
    "user",
    {
        "add": Lazy("registry:add_user", "Add the user NAME"),
        "list": Lazy("registry:list_users", "List who may log in"),
        "remove": Lazy("registry:remove_user", "Remove the user NAME and its tokens"),
    },
    help="Manage who may log in to the registry.",
    epilog=examples("fuel-upgrade registry user add admin", "fuel-upgrade registry user list"),
)

registry = LazyGroup(
    "registry",
    {
        "export": Lazy("registry:export_all", "Write everything in the registry as JSON"),
        "import": Lazy("registry:import_all", "Read what export wrote, into an empty registry"),
        "migrate": Lazy("registry:migrate_tables", "Bring the database to the newest tables"),
        "serve": Lazy("registry_serve:serve", "Run the registry in the foreground"),
    },
    help="Run the release registry by itself, and look after its database.\n\n"
    "The database is the one of registry.database in config.yaml, or --database.",
    epilog=examples(
        "fuel-upgrade registry serve --port 8765",
        "fuel-upgrade registry export registry.json",
    ),
)
registry.add_command(users)


@click.pass_context
def _list_releases(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        from fuel_upgrade.cli.releases import list_all

        list_all(context)


releases = LazyGroup(
    "releases",
    {
        "delete": Lazy("releases:delete", "Delete releases from Nailgun, not from the disk"),
        "diff": Lazy("releases:diff", "Compare two releases field by field"),
        "list": Lazy("releases:list_releases", "List releases, each with its repos"),
        "show": Lazy("releases:show", "Show all of a release"),
    },
    callback=_list_releases,
    invoke_without_command=True,
    help="List the registered releases, show one, delete it, or compare two.\n\n"
    "Without a command it lists them all, each with its repos.",
    epilog=examples(
        "fuel-upgrade releases",
        "fuel-upgrade releases show 2014.2-6.0/ubuntu",
        "fuel-upgrade --json releases list --os ubuntu",
    ),
)

config = LazyGroup(
    "config",
    {
        "check": Lazy("doctor:check_config", "Check the configuration file"),
        "reload": Lazy(
            "config_reload:reload_config", "Have the daemon read the configuration file again"
        ),
    },
    help="Check the configuration file, and have the daemon read it again.",
    epilog=examples("fuel-upgrade config check", "fuel-upgrade config reload"),
)

GROUPS: tuple[LazyGroup, ...] = (repo, bundle, releases, nailgun, node, registry, config)

COMMANDS = {
    "plan": Lazy("plan:plan", "Show what installing a tarball would do; changes nothing"),
    "install": Lazy("install:install", "Install an upgrade tarball: all of it, or nothing"),
    "status": Lazy("status:status", "Show what the daemon does and what this master runs"),
    "watch": Lazy("install:watch", "Follow an install or an undo that is under way"),
    "cancel": Lazy("settle:cancel", "Stop an install, and put everything back"),
    "rollback": Lazy("install:rollback", "Undo the last successful install, gc or squash"),
    "history": Lazy("inspect:history", "List the installs of this master, oldest first"),
    "show": Lazy("inspect:show", "Show one install: its steps, its error, its hooks"),
    "recover": Lazy("settle:recover", "Roll back or resume what a crash left unfinished"),
    "repair": Lazy("settle:repair", "Settle an install that is inconsistent"),
    "gc": Lazy("gc:gc", "Retire releases that nothing depends on"),
    "squash": Lazy("gc:squash", "Make a release independent of its bases"),
    "doctor": Lazy("doctor:doctor", "Check this host: what an install or the daemon fails for"),
    "selftest": Lazy("selftest:selftest", "Install in a scratch root, and undo it, as a test"),
}
