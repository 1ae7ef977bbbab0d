#!/bin/sh
# Installs the upgrade tarball that this script came from:
#
#     tar -xf TARBALL upgrade.sh && sh upgrade.sh TARBALL [OPTION of fuel-upgrade install]...
#
# fuel-upgrade reads the tarball once, and checks every byte before anything is switched. Where the
# tarball brings the installer of fuel-upgrade, and the master has none or an older one, that is
# installed first: tar and gzip are all that it asks of the master.
set -eu

program=$0
here=$(cd "$(dirname "$0")" && pwd)
installer=@INSTALLER@ # its place in the tarball; nothing where there is none
carried=@TOOL@        # the version that it installs
answer_within_s=120

fail() { # EXIT_CODE ERROR REMEDY
    printf 'error:  %s\nstate:  %s\nremedy: %s\n' "$2" "$state" "$3" >&2
    exit "$1"
}
state="nothing was changed"

usage() {
    echo "usage: sh $program [TARBALL] [OPTION of fuel-upgrade install]..."
    echo "Without TARBALL it installs fuel-@VERSION@-upgrade.tar or .tar.zst beside this script."
}

installed_version() { # prints nothing where there is no fuel-upgrade
    command -v fuel-upgrade >/dev/null 2>&1 || return 0
    said=$(fuel-upgrade --version 2>/dev/null) || return 0
    echo "${said##* }"
}

numbers() { # 1.2rc1 -> 1.2.-1.1, which is less than 1.2
    printf '%s\n' "$1" | sed -e 's/\.*\([a-z][a-z]*\)/.-1./' -e 's/[^0-9.-]//g' -e 's/\.\.*/./g'
}

older() { # whether version $1 is older than version $2
    left=$(numbers "$1") right=$(numbers "$2")
    while [ -n "$left$right" ]; do
        a=${left%%.*} b=${right%%.*}
        [ "${a:-0}" -ge "${b:-0}" ] || return 0
        [ "${a:-0}" -le "${b:-0}" ] || return 1
        case $left in *.*) left=${left#*.} ;; *) left= ;; esac
        case $right in *.*) right=${right#*.} ;; *) right= ;; esac
    done
    return 1
}

unpack_installer() { # into $scratch; from beside this script, or out of the tarball
    # /tmp is small on many hosts, and /var/tmp is not on all
    scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/fuel-upgrade.XXXXXX" 2>/dev/null || mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ -f "$here/$installer" ]; then
        cp "$here/$installer" "$scratch/installer.run"
        return
    fi
    tar -xOf "$tarball" "$installer" >"$scratch/installer.run" 2>"$scratch/errors" || {
        case $tarball in
        *.zst) remedy="install zstd, or get the tarball in the form .tar, which needs no program" ;;
        *) remedy="get an undamaged copy of the tarball" ;;
        esac
        fail 3 "$tarball: tar cannot read $installer: $(tail -n 1 "$scratch/errors")" "$remedy"
    }
}

install_tool() {
    [ "$(id -u)" = 0 ] || fail 4 "only root can install fuel-upgrade $carried" "run it as root"
    unpack_installer
    sh "$scratch/installer.run" || exit $? # it has said why
    rm -rf "$scratch"
    trap - EXIT INT TERM
    state="fuel-upgrade $carried is installed; no release was changed"
}

ensure_tool() {
    version=$(installed_version)
    if [ -z "$version" ] && [ -z "$installer" ]; then
        fail 4 "fuel-upgrade is not installed on this master, and $tarball does not bring it" \
            "install its package or its installer file, then run this again"
    elif [ -z "$version" ]; then
        echo "fuel-upgrade is not on this master: installing $carried"
        install_tool
    elif [ -n "$installer" ] && older "$version" "$carried"; then
        echo "fuel-upgrade $version is on this master: installing $carried"
        install_tool
    elif [ -n "$installer" ] && [ "$version" != "$carried" ]; then
        echo "fuel-upgrade $version is on this master, newer than $carried in the tarball: it stays"
    fi
}

answers() {
    fuel-upgrade status >/dev/null 2>&1
}

ensure_daemon() { # others than root may ask it only: fuel-upgrade says so
    [ "$(id -u)" = 0 ] && ! answers || return 0
    if [ -d /run/systemd/system ]; then
        systemctl start fuel-upgrade ||
            fail 7 "fuel-upgrade.service does not start" "read: journalctl -u fuel-upgrade"
    else
        fuel-upgraded --detach || fail 7 "fuel-upgraded does not start" "run: fuel-upgraded"
    fi
    waited_s=0
    until answers; do
        [ "$waited_s" -lt "$answer_within_s" ] ||
            fail 7 "fuel-upgraded does not answer after $answer_within_s s" "run: fuel-upgrade status"
        sleep 1
        waited_s=$((waited_s + 1))
    done
}

tarball=
case ${1-} in
-h | --help) usage && exit 0 ;;
-* | "") ;;
*) tarball=$1 && shift ;;
esac
if [ -z "$tarball" ]; then
    tarball=$here/fuel-@VERSION@-upgrade.tar
    [ -f "$tarball" ] || tarball=$here/fuel-@VERSION@-upgrade.tar.zst
fi
[ -f "$tarball" ] || fail 2 "$tarball: no such file" "name the tarball: sh $program TARBALL"
ensure_tool
ensure_daemon
exec fuel-upgrade install "$tarball" "$@"
