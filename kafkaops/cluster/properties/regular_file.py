import os
import stat
from pathlib import Path

from kafkaops.cluster.properties.refused import RefusedError


def read(path: Path, *, limit: int, root: Path | None = None) -> bytes:
    """The content of a regular file of at most `limit` bytes, whose real path is under `root` when one is given.

    Raises RefusedError at once for anything else: a FIFO or a device is never waited for.
    """
    real = Path(os.path.realpath(path))
    if root is not None and not real.is_relative_to(os.path.realpath(root)):
        raise RefusedError("the file is outside of the folder that it must be in")
    try:
        _insist_on_regular(real.stat())
        with open(real, "rb", opener=_without_waiting) as file:
            _insist_on_regular(os.fstat(file.fileno()))
            content = file.read(limit + 1)
    except OSError as error:
        # the name is left out: it is text of a properties file
        raise RefusedError(f"the file cannot be read: {os.strerror(error.errno or 0).lower()}") from None
    if len(content) > limit:
        raise RefusedError(f"the file is larger than {limit // 1024} KiB")
    return content


def _insist_on_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError("this is not a regular file")


def _without_waiting(name: str, flags: int) -> int:
    # a FIFO put in the place of the file after the first look must not hang the open
    return os.open(name, flags | os.O_NONBLOCK)
