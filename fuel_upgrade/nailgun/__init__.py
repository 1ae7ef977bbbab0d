"""The client of the control plane: Nailgun and Keystone."""
