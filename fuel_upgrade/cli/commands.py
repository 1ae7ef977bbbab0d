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
        "diff": Lazy(
            "repo.repo_commands:diff", "Write the repo of the packages of CURRENT that BASE lacks"
        ),
        "prove": Lazy("repo.prove_command:prove", "Prove that BASE and DIFF are together CURRENT"),
        "report": Lazy(
            "repo.report_commands:report_repo", "Report what changed from BASE to CURRENT"
        ),
        "squash": Lazy(
            "repo.repo_commands:squash", "Write the newest release of a chain as a full repo"
        ),
        "view": Lazy(
            "repo.repo_commands:view", "Write the full view of a diff repo, which needs no base"
        ),
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
        "build": Lazy(
            "bundle.bundle_commands:build", "Build an upgrade tarball of what BUNDLE_YAML names"
        ),
        "inspect": Lazy("bundle.bundle_commands:inspect", "List what is in a tarball"),
        "repair": Lazy(
            "bundle.bundle_commands:repair",
            "Build TARBALL anew with the packages that a master lacks",
        ),
        "report": Lazy("repo.report_commands:report_bundle", "Report what changes with a tarball"),
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
        "check": Lazy(
            "nailgun.nailgun_commands:check",
            "Show how Nailgun is reached, and whether a login works",
        ),
        "login": Lazy(
            "nailgun.nailgun_commands:login", "Ask for the password of Nailgun, try it, and keep it"
        ),
    },
    help="Try the way to Nailgun that the configuration describes; needs no daemon.",
    epilog=examples("fuel-upgrade nailgun check", "fuel-upgrade nailgun login"),
)

node = LazyGroup(
    "node",
    {
        "apply": Lazy("node.apply_commands:apply", "Bring this node to RELEASE"),
        "plan": Lazy(
            "node.apply_commands:plan", "Show what brings this node's packages to RELEASE"
        ),
        "sources": Lazy(
            "node.sources_command:sources", "Write package sources for nodes of RELEASE"
        ),
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
        "add": Lazy("registry.registry_commands:add_user", "Add the user NAME"),
        "list": Lazy("registry.registry_commands:list_users", "List who may log in"),
        "remove": Lazy(
            "registry.registry_commands:remove_user", "Remove the user NAME and its tokens"
        ),
    },
    help="Manage who may log in to the registry.",
    epilog=examples("fuel-upgrade registry user add admin", "fuel-upgrade registry user list"),
)

registry = LazyGroup(
    "registry",
    {
        "export": Lazy(
            "registry.registry_commands:export_all", "Write everything in the registry as JSON"
        ),
        "import": Lazy(
            "registry.registry_commands:import_all",
            "Read what export wrote, into an empty registry",
        ),
        "migrate": Lazy(
            "registry.registry_commands:migrate_tables", "Bring the database to the newest tables"
        ),
        "serve": Lazy("registry.serve_command:serve", "Run the registry in the foreground"),
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
        from fuel_upgrade.cli.release.release_commands import list_all

        list_all(context)


releases = LazyGroup(
    "releases",
    {
        "delete": Lazy(
            "release.release_commands:delete", "Delete releases from Nailgun, not from the disk"
        ),
        "diff": Lazy("release.release_commands:diff", "Compare two releases field by field"),
        "list": Lazy(
            "release.release_commands:list_releases", "List releases, each with its repos"
        ),
        "show": Lazy("release.release_commands:show", "Show all of a release"),
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
        "check": Lazy("doctor.doctor_commands:check_config", "Check the configuration file"),
        "reload": Lazy(
            "doctor.reload_command:reload_config",
            "Have the daemon read the configuration file again",
        ),
    },
    help="Check the configuration file, and have the daemon read it again.",
    epilog=examples("fuel-upgrade config check", "fuel-upgrade config reload"),
)

GROUPS: tuple[LazyGroup, ...] = (repo, bundle, releases, nailgun, node, registry, config)

COMMANDS = {
    "plan": Lazy(
        "install.plan_command:plan", "Show what installing a tarball would do; changes nothing"
    ),
    "install": Lazy(
        "install.install_commands:install", "Install an upgrade tarball: all of it, or nothing"
    ),
    "status": Lazy(
        "install.status_command:status", "Show what the daemon does and what this master runs"
    ),
    "watch": Lazy(
        "install.install_commands:watch", "Follow an install or an undo that is under way"
    ),
    "cancel": Lazy("install.recovery_commands:cancel", "Stop an install, and put everything back"),
    "rollback": Lazy(
        "install.install_commands:rollback", "Undo the last successful install, gc or squash"
    ),
    "history": Lazy(
        "install.history_commands:history", "List the installs of this master, oldest first"
    ),
    "show": Lazy(
        "install.history_commands:show", "Show one install: its steps, its error, its hooks"
    ),
    "recover": Lazy(
        "install.recovery_commands:recover", "Roll back or resume what a crash left unfinished"
    ),
    "repair": Lazy("install.recovery_commands:repair", "Settle an install that is inconsistent"),
    "gc": Lazy("release.gc_commands:gc", "Retire releases that nothing depends on"),
    "squash": Lazy("release.gc_commands:squash", "Make a release independent of its bases"),
    "doctor": Lazy(
        "doctor.doctor_commands:doctor", "Check this host: what an install or the daemon fails for"
    ),
    "selftest": Lazy(
        "selftest.selftest_command:selftest", "Install in a scratch root, and undo it, as a test"
    ),
}
