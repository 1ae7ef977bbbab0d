#!/bin/sh
# Fetch the artifacts of other versions, as PINNED lists them, into deps/VERSION.
set -eu
fetch() { # VERSION URL SHA256
  archive=deps/.$3
  if ! echo "$3  $archive" | sha256sum --check --status 2>/dev/null; then
    curl --fail --silent --show-error --location --retry 5 --output "$archive.part" "$2"
    actual=$(sha256sum "$archive.part" | cut -d ' ' -f 1)
    if [ "$actual" != "$3" ]; then
      rm -f "$archive.part"
      echo "$2: SHA-256 $actual, but PINNED says $3" >&2
      exit 1
    fi
    mv "$archive.part" "$archive"
  fi
  mkdir "deps/$1.new"
  tar --extract --file "$archive" --directory "deps/$1.new"
  rm -rf "deps/$1"
  mv "deps/$1.new" "deps/$1"
}
mkdir -p deps
rm -rf deps/*.new # of a killed run
printf '%s\n' "${PINNED:-}" | while read -r version url sha256; do
  case $version in
  '') ;;
  [0-9]*[!0-9A-Za-z.+~_-]* | [!0-9]*) echo "PINNED: $version is no version" >&2; exit 1 ;;
  *) fetch "$version" "$url" "$sha256" ;;
  esac
done
