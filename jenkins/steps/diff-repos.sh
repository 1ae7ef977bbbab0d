#!/bin/sh
# Build the diff repos of CURRENT_VERSION against BASE_VERSION, and pack them as one artifact.
set -eu
makefile=${FUEL_UPGRADE_MK:-/usr/share/fuel-upgrade/build/fuel-upgrade.mk}
puppet=
test -z "${PUPPET_DIR:-}" || puppet=artifacts/puppet.tgz
# shellcheck disable=SC2086 # MAKE_ARGS has several words
make -f "$makefile" ARTS_DIR=artifacts DEPS_DIR=deps ${MAKE_ARGS:-} \
  centos-diff-repo ubuntu-diff-repo openstack-yaml version-yaml $puppet
name=fuel-$CURRENT_VERSION-diff-${BUILD_NUMBER:-0}.tar
rm -f ./*-diff-*.tar # of earlier builds
"$(dirname "$makefile")/replace" "$name" "$(dirname "$makefile")/pack" artifacts . --exclude='./.*'
