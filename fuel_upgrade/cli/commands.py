"""The table of all commands: the module and the short help of each.

A module is loaded when its command is called or prints its help, so that a master needs no library
of the build side and ``--help`` is fast. The short help is the first sentence of the command's
docstring; a test compares them.
"""

import click

from fuel_upgrade.cli.group import Lazy, LazyGroup, examples

repo = LazyGroup(
    "repo",
    {
        "diff": Lazy(
            "repo.repo_commands:diff", "Write the repo of the packages of CURRENT that BASE lacks"
        ),
        "prove": Lazy("repo.prove_command:prove", "Prove that BASE and DIFF together are CURRENT"),
        "report": Lazy(
            "repo.report_commands:report_repo", "Report the changes from BASE to CURRENT"
        ),
        "squash": Lazy(
            "repo.repo_commands:squash", "Write the newest release of a chain as a full repo"
        ),
        "view": Lazy(
            "repo.repo_commands:view", "Write the full view of a diff repo, which needs no base"
        ),
    },
    help="Build diff repos, and full repos of them; prove them, and report changes.",
    epilog=examples(
        "fuel-upgrade repo diff /repos/5.1/ubuntu /repos/6.0/ubuntu -o diff",
        "fuel-upgrade repo prove /repos/5.1/ubuntu diff /repos/6.0/ubuntu",
    ),
)

bundle = LazyGroup(
    "bundle",
    {
        "answer": Lazy(
            "bundle.media_commands:answer", "Write the blocks of TARBALL that REQUEST names"
        ),
        "build": Lazy(
            "bundle.bundle_commands:build", "Build an upgrade tarball as BUNDLE_YAML describes"
        ),
        "diff": Lazy("bundle.tarball_diff_command:diff", "Show why the tarballs A and B differ"),
        "inspect": Lazy("bundle.bundle_commands:inspect", "List the content of a tarball"),
        "iso": Lazy("bundle.bundle_commands:iso", "Write an ISO image of TARBALL"),
        "join": Lazy("bundle.media_commands:join", "Join volumes, in any order, to the tarball"),
        "repair": Lazy(
            "bundle.bundle_commands:repair",
            "Build TARBALL anew with the packages that a master lacks",
        ),
        "report": Lazy(
            "repo.report_commands:report_bundle", "Report the changes that a tarball makes"
        ),
        "spec": Lazy("bundle.spec_command:spec", "Write the bundle.yaml for artifacts of builds"),
        "split": Lazy(
            "bundle.media_commands:split", "Split TARBALL, or an image of it, into volumes"
        ),
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
            "Show the configured access to Nailgun, and whether a login works",
        ),
        "login": Lazy(
            "nailgun.nailgun_commands:login", "Ask for the password of Nailgun, test it and save it"
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
            "node.apply_commands:plan", "Show the package changes that bring this node to RELEASE"
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
        "list": Lazy("registry.registry_commands:list_users", "List the users"),
        "remove": Lazy(
            "registry.registry_commands:remove_user", "Remove the user NAME and its tokens"
        ),
    },
    help="Manage the users of the registry.",
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
            "Read the file of an export into an empty registry",
        ),
        "migrate": Lazy(
            "registry.registry_commands:migrate_tables", "Migrate the database to the newest tables"
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

venv = LazyGroup(
    "venv",
    {
        "build": Lazy(
            "venv.venv_commands:build",
            "Build the venvs that VENVS_YAML describes, and publish them",
        ),
        "deploy": Lazy(
            "venv.deploy_commands:deploy", "Deploy the venv of SERVICE if the published one differs"
        ),
        "deployer": Lazy(
            "venv.deploy_commands:deployer",
            "Write the deployer as one file, which needs nothing on a host but Python 3.9 or newer",
        ),
        "diff": Lazy("venv.venv_commands:diff", "Compare the packages of one service in two tags"),
        "gc": Lazy(
            "venv.venv_commands:gc",
            "Remove the venvs of old tags, and all files that no venv needs",
        ),
        "list": Lazy("venv.venv_commands:list_venvs", "List the published venvs of REPO"),
        "rollback": Lazy(
            "venv.deploy_commands:rollback",
            "Make the previous venv of SERVICE the active one again",
        ),
        "show": Lazy(
            "venv.venv_commands:show",
            "Show one published venv: its requirements of a host, and its packages",
        ),
        "verify": Lazy(
            "venv.deploy_commands:verify",
            "Compare the active venv of SERVICE with its description, by checksum",
        ),
    },
    help="Build Python venvs on a repo server, and deploy them on hosts where they differ.",
    epilog=examples(
        "fuel-upgrade venv build venvs.yaml -o /var/www/repo",
        "fuel-upgrade venv deploy horizon --tag 13.1.0 --url http://repo:8181",
    ),
)

config = LazyGroup(
    "config",
    {
        "check": Lazy("doctor.doctor_commands:check_config", "Check the configuration file"),
        "reload": Lazy(
            "doctor.reload_command:reload_config",
            "Reload the configuration file in the daemon",
        ),
    },
    help="Check the configuration file, and have the daemon read it again.",
    epilog=examples("fuel-upgrade config check", "fuel-upgrade config reload"),
)

GROUPS: tuple[LazyGroup, ...] = (
    repo,
    bundle,
    venv,
    releases,
    nailgun,
    node,
    registry,
    config,
)

COMMANDS = {
    "plan": Lazy("install.plan_command:plan", "Show the changes that an install would make"),
    "install": Lazy(
        "install.install_commands:install", "Install an upgrade tarball: all of it, or nothing"
    ),
    "status": Lazy(
        "install.status_command:status", "Show the state of the daemon and of this master"
    ),
    "watch": Lazy("install.install_commands:watch", "Follow a running install or undo"),
    "cancel": Lazy("install.recovery_commands:cancel", "Stop an install and roll it back"),
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
        "install.recovery_commands:recover",
        "Roll back or resume an install that a crash interrupted",
    ),
    "repair": Lazy("install.recovery_commands:repair", "Settle an install that is inconsistent"),
    "gc": Lazy("release.gc_commands:gc", "Retire releases that nothing depends on"),
    "squash": Lazy("release.gc_commands:squash", "Make a release independent of its bases"),
    "doctor": Lazy("doctor.doctor_commands:doctor", "Check this host for causes of failures"),
    "selftest": Lazy(
        "selftest.selftest_command:selftest", "Install in a scratch root, and undo it, as a test"
    ),
}
