"""fuel-upgrade: new OpenStack releases for a master node without internet, as one file."""

__version__ = "0.1.0"
