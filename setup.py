"""Package metadata: ``pip install .`` gives ``fuel-upgrade`` and ``fuel-upgraded``."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "([^"]+)"', (HERE / "fuel_upgrade/__init__.py").read_text(), re.MULTILINE
).group(1)

RUNTIME = [
    "alembic>=1.16",  # migrations of the registry's tables
    "click>=8.2.1",  # command line; 8.2.0 completes no command of a group in a group
    "createrepo-c>=1.2.1",  # yum metadata: read and write
    "fastapi>=0.110",  # the daemon's and the registry's HTTP API
    "jinja2>=3.1",  # the HTML report
    "packaging>=26.0",  # locks (PEP 751), tags and names of the wheels of venvs
    "prometheus-client>=0.20",  # the daemon's /metrics
    "psutil>=5.9.4",  # disk space per file system, owners of locks
    "pydantic>=2.10",  # forms of requests and of kept plans; fastapi brings it
    "psycopg[binary]>=3.2.2",  # PostgreSQL for the registry; with libpq inside: no compiler needed
    "python-daemon>=3.0.1",  # fuel-upgraded --detach
    "python-debian>=0.1.49",  # apt Release files, dependencies, the status of dpkg
    "pyyaml>=6.0.2",
    "requests>=2.31",  # Nailgun and Keystone
    "rich>=13.9.4",  # progress and tables
    "sdnotify>=0.3.2",  # systemd Type=notify
    "sqlalchemy>=2.1.0",  # the registry's store
    "structlog>=24.1",
    "urllib3>=2.0.2",  # what requests is made of: its connections, and what goes wrong with them
    "uvicorn>=0.29",
    "zstandard>=0.23",
]
DEV = [
    # fuzzing guided by coverage; wheels exist for these alone, and 3.1 has none for Python 3.11
    "atheris==3.0.*; sys_platform == 'linux' and platform_machine == 'x86_64'"
    " and python_version < '3.14'",
    "coverage>=7.6",  # branches of the pure modules that no unit test takes: make coverage
    "docutils==0.23",
    "httpx>=0.27",  # asks the daemon and the registry as a client that is not ours
    "hypothesis>=6.131",
    "keystoneauth1>=5.0",  # the client that our Keystone must satisfy; it ships no stand-in
    "mfusepy>=3.0",  # the recorded disks of the power-cut tests; no compiler needed
    "mypy==2.4.1",
    "pyte>=0.8.2",  # what a terminal shows of the bytes that a command printed
    "pytest>=9.0",  # ends a process whose test hangs beyond rescue
    "pytest-sugar>=1.1",  # a bar that says how far the tests are, on a terminal alone
    "pytest-timeout>=2.3",  # a test that hangs ends by itself
    "pytest-xdist>=3.8",
    "ruff==0.17.6",
    "setuptools>=70.1",  # builds this package: the environment of the lock needs no index for it
    "trustme>=1.1",  # certificates of the servers that tests run
    "schemathesis>=4.32",  # draws requests from the OpenAPI descriptions
    "uv>=0.9",  # builds the venvs of tests
    "tuf>=4.0",  # reads the seals of tarballs, to prove their form
    "types-docutils",
    "types-PyYAML",
    "types-psutil",
    "types-requests",
]

setup(
    name="fuel-upgrade",
    version=VERSION,
    description="Ship OpenStack releases to places without internet as diff repos in one tarball",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    license="Apache-2.0",
    python_requires=">=3.11",
    classifiers=[
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.13",
    ],
    packages=find_packages(include=["fuel_upgrade", "fuel_upgrade.*"]),
    package_data={
        "fuel_upgrade": [
            "py.typed",
            "bundle/upgrade.sh",
            "repo/report/page/*",
            "repo/yum/rpm/rpmrc",
        ]
    },
    install_requires=RUNTIME,
    extras_require={"dev": DEV},
    entry_points={
        "console_scripts": [
            "fuel-upgrade = fuel_upgrade.cli.entry:main",
            "fuel-upgraded = fuel_upgrade.daemon.service:main",
        ]
    },
)
