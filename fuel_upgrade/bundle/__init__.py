"""The upgrade tarball: what goes in, its seal, packing and verifying."""
