#!/bin/sh
# Install an upgrade tarball in a scratch root, and undo it: TARBALL, given as URL and SHA-256, or the one just built.
set -eu
if [ -n "${TARBALL:-}" ]; then
  # shellcheck disable=SC2086 # the two words of TARBALL
  set -- $TARBALL
  file=$(basename "$1")
  curl --fail --silent --show-error --location --retry 5 --output "$file" "$1"
  echo "$2  $file" | sha256sum --check
else
  file=$(echo artifacts/fuel-*-upgrade.tar*)
fi
# shellcheck disable=SC2086 # SELFTEST_ARGS has several words
${FUEL_UPGRADE:-fuel-upgrade} selftest --json ${SELFTEST_ARGS:-} "$file" >selftest.json
cat selftest.json
