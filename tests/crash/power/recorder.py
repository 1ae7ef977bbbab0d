"""Records the writes of a function to disks, and gives the disks as after power cuts."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.power.cuts import Cut, choose, durable, surviving
from tests.crash.power.log import Entry, Images, log_length, read_log
from tests.crash.power.mounts import copy_image, make_filesystem, mounted, recording

Mark = Callable[[str], None]
_NOISE_S = 0.01


@dataclass(frozen=True, slots=True)
class Disks:
    """Disks of one kind of file system below a working folder.

    ``folders`` says where each is mounted below ``top``, the first at "." and the others in it.
    """

    work: Path
    kind: str
    folders: tuple[str, ...] = (".",)

    @property
    def top(self) -> Path:
        """The mount point of the first disk."""
        return self.work / "mnt"

    @contextmanager
    def mount(self, images: Sequence[Path]) -> Iterator[None]:
        """Mount an image for each disk."""
        self.top.mkdir(exist_ok=True)
        with ExitStack() as stack:
            for image, folder in zip(images, self.folders, strict=True):
                (self.top / folder).mkdir(parents=True, exist_ok=True)
                stack.enter_context(mounted(self.kind, image, self.top / folder))
            yield


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording: the log, and the number of requests before each mark."""

    disks: Disks
    log: tuple[Entry, ...]
    marks: Mapping[str, int]

    def choose(self, count: int, seed: int) -> list[Cut]:
        """Draw cuts from the first mark to the last, as many between any two of them."""
        return choose(self.log, len(self.disks.folders), sorted(self.marks.values()), count, seed)

    def after(self, cuts: Sequence[Cut]) -> Iterator[Cut]:
        """Make each cut in turn, and give it while its disks are mounted again.

        The cuts come in the order of their positions.
        """
        work, number = self.disks.work, len(self.disks.folders)
        images = Images([work / f"empty-{n}" for n in range(number)], work / "log")
        position = 0
        for cut in cuts:
            images.apply(durable(self.log, number, position, cut.position))
            position = cut.position
            scratch = Images([work / f"cut-{n}" for n in range(number)], work / "log")
            for source, target in zip(images.paths, scratch.paths, strict=True):
                copy_image(source, target)
            scratch.apply(surviving(self.log, number, cut))
            with self.disks.mount(scratch.paths):
                yield cut


def record(disks: Disks, act: Callable[[Mark], None], *, noise: bool = False) -> Recording:
    """Run ``act`` on recorded disks, mounted at ``disks.top``; it marks moments by name.

    With ``noise``, somebody else syncs a file of his own on the first disk all the while, which
    makes the file system write metadata that it would have delayed.
    """
    images = [disks.work / f"disk-{number}" for number in range(len(disks.folders))]
    for number, image in enumerate(images):
        make_filesystem(disks.kind, image)
        copy_image(image, disks.work / f"empty-{number}")
    marks: dict[str, int] = {}
    log = disks.work / "log"
    with recording(images, disks.work / "fuse", log) as devices, disks.mount(devices):

        def mark(name: str) -> None:
            marks[name] = log_length(log)

        with _noise(disks.top / "noise") if noise else ExitStack():
            act(mark)
    return Recording(disks, read_log(log), marks)


@contextmanager
def _noise(path: Path) -> Iterator[None]:
    stop = threading.Event()

    def make_noise() -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not stop.wait(_NOISE_S):
                os.write(descriptor, b"noise\n")
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    thread = threading.Thread(target=make_noise)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
