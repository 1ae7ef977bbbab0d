"""The self-contained runtime tree that the deb, the rpm and the installer file carry."""
