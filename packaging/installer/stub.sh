version=@VERSION@
size_kb=@SIZE_KB@ # of the unpacked files
# Installs fuel-upgrade @VERSION@ on a master that has neither Python nor an index: this script is
# followed by a tar archive, compressed by gzip, of the files as they are installed. The second line
# is the SHA-256 of all that follows it.
set -eu
umask 022

self=$0
lines=@LINES@ # of this script
tree=/usr/lib/fuel-upgrade
etc=/etc/fuel-upgrade
state=/var/lib/fuel-upgrade-installer # which files are ours, and the settings as they came
uninstaller=$state/uninstall # this script without the archive
lowest_kernel=3.2 # of the libc inside
stop_within_s=30
staged=.fuel-upgrade-new # the ending of a file beside its place, before it takes that

changed="nothing was changed"

fail() { # EXIT_CODE ERROR REMEDY
    printf 'error:  %s\nstate:  %s\nremedy: %s\n' "$2" "$changed" "$3" >&2
    exit "$1"
}

say() {
    [ -n "$quiet" ] || printf '%s\n' "$*"
}

usage() {
    cat <<END
usage: sh $self [OPTION]...

Installs fuel-upgrade $version, with an interpreter and libraries of its own, in $tree:
over an earlier or a later one too. Settings that were changed stay. It needs x86_64, Linux
$lowest_kernel or later, tar, gzip and sha256sum. Without this file it is removed by:
sh $uninstaller

  --no-start      neither enable nor start the service
  --uninstall     remove it; settings, the journal and logs stay
  --purge         with --uninstall: remove these too; releases and their backups stay
  --check         verify this file, and install nothing
  --extract DIR   unpack to DIR, and install nothing
  --quiet         print nothing but errors
  --version       print the version that it installs
  --help          print this

Exit codes: 0 done, 2 wrong usage, 3 this file is damaged, 4 the host is not ready, 5 it failed and
all was put back, 7 a program failed.

Example: sh $self --no-start
END
}

verify() {
    [ -f "$self" ] || fail 2 "$self: cannot read this file" "run it as: sh FILE"
    command -v sha256sum >/dev/null 2>&1 || fail 4 "sha256sum is not here" "install coreutils"
    digest=$(tail -n +3 "$self" | sha256sum)
    [ "${digest%% *}" = "$sha256" ] ||
        fail 3 "$self: SHA-256 ${digest%% *}, expected $sha256" "get an undamaged copy of this file"
}

unpack() { # FOLDER
    tail -n "+$((lines + 1))" "$self" | gzip -dc | (cd "$1" && tar -xof -) ||
        fail 7 "the files cannot be unpacked to $1" "free space there, or read the lines above"
    [ -f "$1$tree/BUILD-INFO" ] || fail 7 "the files in $1 are incomplete" "free space there"
}

newer_kernel() { # whether the kernel is of $lowest_kernel at least
    release=$(uname -r)
    major=${release%%.*} rest=${release#*.}
    minor=${rest%%[!0-9]*}
    [ "$major" -gt "${lowest_kernel%.*}" ] ||
        { [ "$major" -eq "${lowest_kernel%.*}" ] && [ "$minor" -ge "${lowest_kernel#*.}" ]; }
}

check_host() {
    [ "$(id -u)" = 0 ] || fail 4 "only root can install it" "run it as root"
    [ "$(uname -m)" = x86_64 ] || fail 4 "this host is $(uname -m), not x86_64" "use another host"
    newer_kernel || fail 4 "Linux $(uname -r) is older than $lowest_kernel" "use a newer kernel"
    if dpkg-query -W -f '${Status}' fuel-upgrade 2>/dev/null | grep -q ' installed$'; then
        fail 4 "the Debian package fuel-upgrade is installed" \
            "upgrade it with its package, or remove it first: dpkg -r fuel-upgrade"
    elif rpm -q fuel-upgrade >/dev/null 2>&1; then
        fail 4 "the RPM fuel-upgrade is installed" \
            "upgrade it with its RPM, or remove it first: rpm -e fuel-upgrade"
    fi
}

process() { # PID: it and its start, so that a later process of the same number is another one
    kill -0 "$1" 2>/dev/null || return 0
    echo "$1-$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20)"
}

# A claim is a file with a process in its name. Each installer writes its claim before it looks for
# others, so of two that start at the same time at least one sees the other; both may be refused.
# The claim of a process that was killed counts for nothing. flock(1) is not on every host.
lock() {
    claim=$tree.claim-$(process $$)
    touch "$claim" || fail 4 "/usr/lib cannot be written" "mount it writable"
    trap 'rm -f "$claim"' EXIT
    for other in "$tree".claim-*; do
        pid=${other#"$tree.claim-"} pid=${pid%%-*}
        [ "$other" != "$claim" ] || continue
        [ "$other" != "$tree.claim-$(process "$pid")" ] ||
            fail 4 "another installer of fuel-upgrade runs, process $pid" "wait until it has ended"
        rm -f "$other"
    done
}

check_room() { # unpacked beside the old tree, with a tenth more; a chroot may not know
    free_kb=$(df -P -k /usr/lib 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ -n "$free_kb" ] || return 0
    needed_kb=$((size_kb + size_kb / 10))
    [ "$free_kb" -ge "$needed_kb" ] ||
        fail 4 "/usr/lib has $((free_kb / 1024)) MiB free, $((needed_kb / 1024)) MiB are needed" \
            "free space there"
}

is_setting() { # a file that operators may edit
    case $1 in /etc/*) ;; *) return 1 ;; esac
}

others() { # the files in $new that are not in the tree, as they are installed
    (cd "$new" && find . ! -type d ! -path ".$tree/*") | sed 's/^\.//' | sort
}

exists() {
    [ -e "$1" ] || [ -L "$1" ]
}

check_strangers() { # a file of another fuel-upgrade, by pip for one, is not overwritten
    others | while read -r file; do
        if exists "$file" && ! is_setting "$file" && ! grep -qxF "$file" "$state/files" 2>/dev/null
        then
            echo "$file"
        fi
    done >"$new/strangers"
    [ ! -s "$new/strangers" ] ||
        fail 4 "not of this installer: $(tr '\n' ' ' <"$new/strangers")" \
            "uninstall that fuel-upgrade, or move these files away"
    rm "$new/strangers"
}

try() { # does it run here?
    "$new$tree/bin/fuel-upgrade" --version >"$new/tried" 2>&1 || {
        printf '%s\n' "$(cat "$new/tried")" >&2
        fail 4 "the interpreter does not run on this host (see above)" \
            "see whether /usr/lib is mounted without noexec, and read the kernel's log"
    }
    rm "$new/tried"
}

make_folder() { # FOLDER, which is remembered where it was not there
    [ ! -d "$1" ] || return 0
    make_folder "$(dirname "$1")"
    mkdir "$1"
    echo "$1" >>"$state/folders"
}

remove_folders() { # of those that were made here the empty ones, innermost first
    [ -f "$state/folders" ] || return 0
    sort -r "$state/folders" | while read -r folder; do rmdir "$folder" 2>/dev/null || :; done
}

# Every file is copied beside its place first: a full disk is noticed before anything is switched.
# Then each takes its place by a rename.
stage_file() { # FILE
    make_folder "$(dirname "$1")"
    rm -f "$1$staged" # a power cut may have left one
    cp -P -p "$new$1" "$1$staged" || fail 5 "$1: cannot be written" "free space there"
}

stage_setting() { # FILE
    if ! exists "$1" || same "$1" "$state/settings$1"; then
        stage_file "$1"
    elif ! same "$1" "$new$1" && ! same "$new$1" "$state/settings$1"; then
        stage_file "$1"
        mv -f "$1$staged" "$1.new"
        say "$1 was changed here and stays; the new one is $1.new"
    fi
}

same() {
    [ -f "$2" ] && cmp -s "$1" "$2"
}

stage() {
    mkdir -p "$state"
    others >"$new/files"
    while read -r file; do
        if is_setting "$file"; then stage_setting "$file"; else stage_file "$file"; fi
    done <"$new/files"
    head -n "$lines" "$self" >"$new/uninstall" ||
        fail 5 "$new: cannot be written" "free space there"
    make_folder "$etc/hooks.d"
    (cd "$new" && find ./etc -type f) | while read -r file; do
        mkdir -p "$new/settings/$(dirname "$file")"
        cp -p "$new/$file" "$new/settings/$file"
    done
    sync -f "$new" 2>/dev/null || sync
}

switch() {
    old=$tree.old-$$
    ! exists "$tree" || mv "$tree" "$old"
    mv "$new$tree" "$tree" || {
        ! exists "$old" || mv "$old" "$tree"
        fail 5 "$tree cannot be replaced" "see which process uses it, and run this again"
    }
    switched=yes
    changed="fuel-upgrade $version is in place, in part"
    while read -r file; do
        ! exists "$file$staged" || mv -f "$file$staged" "$file"
    done <"$new/files"
    forget_former
    rm -rf "$state/settings"
    mv "$new/settings" "$state/settings"
    mv "$new/uninstall" "$uninstaller"
    mv "$new/files" "$state/files"
    rm -rf "$tree".old-* # and trees that a power cut left
    changed="fuel-upgrade $version is installed"
}

forget_former() { # files of the earlier installation that this one has not
    [ -f "$state/files" ] || return 0
    while read -r file; do
        grep -qxF "$file" "$new/files" || is_setting "$file" || rm -f "$file"
    done <"$state/files"
}

undo() { # at any end: delete staged files
    code=$?
    trap - EXIT
    if [ -f "$new/files" ] && [ -z "$switched" ]; then
        while read -r file; do rm -f "$file$staged"; done <"$new/files"
    fi
    [ -f "$state/files" ] || { remove_folders && rm -rf "$state"; }
    rm -rf "$tree".new-* || : # of a killed one too, whose tar may still be at work
    rm -f "$claim"
    exit "$code"
}

has_systemd() {
    [ -d /run/systemd/system ]
}

prepare_system() {
    if command -v systemd-sysusers >/dev/null 2>&1; then
        systemd-sysusers fuel-upgrade.conf >/dev/null 2>&1 || :
    fi
    grep -q '^fuel-upgrade:' /etc/group 2>/dev/null || groupadd -r fuel-upgrade 2>/dev/null ||
        addgroup -S fuel-upgrade 2>/dev/null || :
    for folder in /var/www/nailgun /etc/puppet /etc/fuel /var/lib/fuel_upgrade; do
        make_folder "$folder"
    done
    chmod 700 /var/lib/fuel_upgrade
}

start() {
    [ -z "$no_start" ] || return 0
    if ! has_systemd; then
        ! command -v systemctl >/dev/null 2>&1 ||
            systemctl enable fuel-upgrade.service >/dev/null 2>&1 || :
        say "no systemd runs here: start the daemon by fuel-upgraded --detach"
        return 0
    fi
    systemctl daemon-reload
    systemctl enable --quiet fuel-upgrade.service
    systemctl start fuel-upgrade.service ||
        fail 7 "fuel-upgrade.service does not start" "read: journalctl -u fuel-upgrade"
}

running() { # the state of the daemon: "no" daemon, "idle", or "busy"
    command -v fuel-upgrade >/dev/null 2>&1 || { echo no && return 0; }
    status=$(fuel-upgrade status --json 2>/dev/null) || { echo no && return 0; }
    case $(printf '%s' "$status" | tr -d ' \n') in
    *'"running":null'*) echo idle ;;
    *) echo busy ;;
    esac
}

pid_of_daemon() { # of one without systemd
    pid=$(cat /run/fuel-upgrade/fuel-upgraded.pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null &&
        echo "$pid"
}

restart() { # after an upgrade; never amid an install, which ends with the code that it began with
    if has_systemd && [ -x /usr/libexec/fuel-upgrade/restart-when-idle ]; then
        /usr/libexec/fuel-upgrade/restart-when-idle
    elif pid=$(pid_of_daemon); then
        [ "$(running)" = idle ] || {
            say "fuel-upgraded is at work and was not restarted: do that when it is idle"
            return 0
        }
        stop_daemon "$pid"
        fuel-upgraded --detach || fail 7 "fuel-upgraded does not start" "run: fuel-upgraded"
    fi
}

stop_daemon() { # PID
    kill "$1" 2>/dev/null || return 0
    waited_s=0
    while kill -0 "$1" 2>/dev/null; do
        [ "$waited_s" -lt "$stop_within_s" ] ||
            fail 7 "fuel-upgraded does not end" "wait until process $1 has ended, and start it again"
        sleep 1 && waited_s=$((waited_s + 1))
    done
}

installed_version() { # a power cut may have left none
    sed -n 's/^  "version": "\(.*\)",$/\1/p' "$tree/BUILD-INFO" 2>/dev/null || echo incomplete
}

install() {
    check_host
    lock
    check_room
    was=
    [ ! -f "$state/files" ] || was=$(installed_version)
    new=$tree.new-$$
    switched=
    trap undo EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir "$new"
    unpack "$new"
    check_strangers
    try
    stage
    switch
    prepare_system
    if [ -n "$was" ]; then restart; else start; fi
    say "fuel-upgrade $version is installed${was:+ (it was $was)}"
}

uninstall() {
    check_host
    lock
    [ -f "$state/files" ] || fail 4 "this installer did not install fuel-upgrade here" \
        "remove the package, or the installation by pip"
    [ "$(running)" != busy ] || fail 4 "fuel-upgraded is at work" "wait, or: fuel-upgrade cancel"
    if has_systemd; then
        systemctl disable --quiet --now fuel-upgrade.service fuel-upgrade-registry.service || :
    elif pid=$(pid_of_daemon); then
        stop_daemon "$pid"
    fi
    changed="fuel-upgrade is removed in part"
    while read -r file; do
        if ! is_setting "$file" || same "$file" "$state/settings$file"; then rm -f "$file"; fi
    done <"$state/files"
    rm -rf "$tree"
    [ -z "$purge" ] || purge_rest
    remove_folders
    rm -rf "$state"
    ! has_systemd || systemctl daemon-reload
    say "fuel-upgrade is removed"
    [ ! -d "$etc" ] || say "settings are left in $etc"
}

purge_rest() { # journal and logs; releases belong to the master
    rm -rf "$etc" /var/lib/fuel_upgrade /etc/logrotate.d/fuel-upgrade
    rm -f /var/log/fuel_upgrade.log /var/log/fuel_upgrade.log.*
}

extract() { # DIR
    verify
    mkdir -p "$1"
    unpack "$1"
}

command=install no_start="" purge="" quiet="" folder=""
[ "$self" != "$uninstaller" ] || command=uninstall
while [ $# -gt 0 ]; do
    case $1 in
    --help | -h) usage && exit 0 ;;
    --version) echo "fuel-upgrade $version" && exit 0 ;;
    --no-start) no_start=yes ;;
    --uninstall) command=uninstall ;;
    --purge) purge=yes ;;
    --check) command=check ;;
    --extract)
        [ $# -gt 1 ] || fail 2 "--extract: no folder is named" "run: sh $self --extract DIR"
        command=extract folder=$2 && shift
        ;;
    --quiet) quiet=yes ;;
    *) fail 2 "$1: no such option" "run: sh $self --help" ;;
    esac
    shift
done
case $command in
install)
    [ -z "$purge" ] || fail 2 "--purge goes with --uninstall only" "run: sh $self --help"
    verify
    install
    ;;
uninstall) uninstall ;;
check) verify && say "$self is whole: fuel-upgrade $version" ;;
extract) extract "$folder" ;;
esac
exit 0
