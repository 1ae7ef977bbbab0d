#!/bin/sh
# Build the upgrade tarball of UPGRADE_VERSIONS, its ISO image, and its report.
set -eu
# shellcheck disable=SC2086 # MAKE_ARGS has several words
make -f "${FUEL_UPGRADE_MK:-/usr/share/fuel-upgrade/build/fuel-upgrade.mk}" ARTS_DIR=artifacts DEPS_DIR=deps \
  ${MAKE_ARGS:-} upgrade iso report
