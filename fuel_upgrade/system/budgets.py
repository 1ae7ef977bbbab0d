"""The limits of archives, compressed streams and descriptions from outside, in one place.

Each follows from honest input, with a reserve of a few times; docs/hostile.rst has the table.
"""

NAME_BYTES = 255
"""The length of one name in a path: NAME_MAX of Linux file systems."""
PATH_BYTES = 1024
"""The length of a path in an archive: the rest of PATH_MAX is for the folder of the destination."""
PATH_DEPTH = 64
"""The names in a path."""
MEMBERS = 1_000_000
"""The members of an archive of packages; those of a tarball follow from its seal."""
NAMES_BYTES = 48 << 20
"""The memory for the paths of an archive, with those of all folders above."""
EXTENSION_BYTES = 1 << 16
"""The length of an extension header, which has a path, a target and attributes."""
EXTENSIONS = 4
"""The extension headers of one member: two of GNU, a pax header and a global one."""
PADDING_BYTES = 1 << 20
"""The zeros behind an archive or a compressed stream: tar and tapes fill up whole records."""
FRUITLESS = 64
"""The pieces of a compressed stream in a row from which no data results."""
WINDOW_BYTES = 32 << 20
"""The window of a compressed stream: that of ``zstd --ultra -20`` or ``xz -8``."""
DECODER_BYTES = WINDOW_BYTES + (8 << 20)
"""The memory of a decoder of xz: its window and its tables."""
RATIO = 1000
"""The unpacked size of a tarball in proportion to its own: zeros in gzip have this ratio."""
UNPACKED_BYTES = 1 << 30
"""The unpacked size of a tarball that is accepted at any ratio."""
HEAD_BYTES = 64 << 20
"""The header of a tarball, which is read into memory."""
HEAD_MEMBERS = 4096
"""The files in the header of a tarball."""
SEAL_BYTES = 32 << 20
"""The seal: 180 bytes for each file."""
SEAL_KEYS = 64
"""The keys of the seal's objects beside the files, of which TUF has seven."""
ENTRIES = 150_000
"""The files in the seal, the lines of each ``diff.yaml`` and the wheels of venvs, together."""
DESCRIPTION_VALUES = 200_000
"""The values in the descriptions of all releases of a tarball; the largest real one has 18,085."""
INDEX_RATIO = 30
"""The content of an index in proportion to its file; the text of packages has 4 to 15."""
INDEX_BYTES = 64 << 20
"""The content of an index that is accepted at any ratio."""
INDEX_ENTRY_BYTES = 16 << 20
"""One entry of an index; a real one has a few kilobytes."""
LIST_BYTES = 16 << 20
"""``Release`` and ``repomd.xml``; the largest of Debian has 0.2 MB."""
VENV_INDEX_CHARS = 16 << 20
"""The index of the venvs of one release: 250 for each wheel of each venv."""
