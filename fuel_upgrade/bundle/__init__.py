"""The upgrade tarball: its contents and seal, packing and verifying."""
