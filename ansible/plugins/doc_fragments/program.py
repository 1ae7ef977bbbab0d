# Copyright: The fuel-upgrade project
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# or Apache License 2.0 (see https://www.apache.org/licenses/LICENSE-2.0), at your choice
# SPDX-License-Identifier: GPL-3.0-or-later OR Apache-2.0
"""The documentation of the options in ``PROGRAM_OPTIONS``."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of each module that calls the program."""

    DOCUMENTATION = r"""
options:
  executable:
    description: The program on the host, a path or a name.
    type: path
    default: fuel-upgrade
  socket:
    description: The socket of the daemon. By default, the one of the configuration.
    type: path
"""
