#!/bin/sh
# Installs the upgrade tarball that this script came from. It unpacks nothing itself:
# fuel-upgrade reads the tarball once, and checks every byte before anything is switched.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tarball=${1:-$here/fuel-@VERSION@-upgrade.tar.zst}
if ! command -v fuel-upgrade >/dev/null 2>&1; then
    echo "upgrade.sh: fuel-upgrade is not installed on this master node." >&2
    echo "Install it (pip install fuel-upgrade), start fuel-upgraded, and run this again." >&2
    exit 4
fi
if [ ! -f "$tarball" ]; then
    echo "upgrade.sh: no tarball at $tarball; name it: $0 TARBALL" >&2
    exit 2
fi
exec fuel-upgrade install "$tarball"
