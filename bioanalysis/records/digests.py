"""SHA-256 of files, and lists of them in the form `sha256sum -c` reads."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_BLOCK = 2**18
_PART = 64  # files a thread takes at once
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")


class NoFile(Exception):
    """There is no readable regular file; the message says what there is."""


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a regular file in hex.

    Raises
    ------
    NoFile
        If it is missing, no regular file, or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        # a pipe would wait for a writer for ever: it is opened without waiting, and refused
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_BINARY", 0))
        try:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode):
                raise NoFile("is no regular file")
            size = found.st_size
            while block := os.read(number, min(size + 1, _BLOCK)):
                digest.update(block)
                if len(block) == size:  # more was asked for: this is all of it
                    break
        finally:
            os.close(number)
    except (FileNotFoundError, NotADirectoryError):
        raise NoFile("is missing") from None
    except OSError as error:
        raise NoFile(f"cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def sha256_or_reason(path: str | Path) -> str:
    """Return the SHA-256 of a file, or in words why there is none."""
    try:
        return sha256_of(path)
    except NoFile as reason:
        return str(reason)


def difference(digest: str, recorded: str) -> str:
    """Return in words how what `sha256_or_reason` says differs from the digest recorded."""
    if not _DIGEST.fullmatch(digest):
        return digest
    return f"was changed (SHA-256 {digest[:12]}..., recorded {recorded[:12]}...)"


def sha256_of_all(paths: Iterable[str]) -> list[str]:
    """Return `sha256_or_reason` of each path, in order; hashing is spread over the cores, reading goes on meanwhile."""
    paths = list(paths)
    digests = [""] * len(paths)
    starts = range(0, len(paths), _PART)
    left = iter(starts)  # threads take from it what none has taken
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for start in left:
                if failures:
                    return
                digests[start : start + _PART] = map(sha256_or_reason, paths[start : start + _PART])
        except BaseException as failure:  # a thread's own would end with it, and leave files without a digest
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(min(8, os.cpu_count() or 1, len(starts)) - 1)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return digests


def sha256_of_text(text: str) -> str:
    """Return the SHA-256 of a text as UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def digest_of_list(digests: Mapping[str, str]) -> str:
    """Return one SHA-256 for several named digests."""
    return sha256_of_text(listing(digests))


def listing(digests: Mapping[str, str]) -> str:
    """Return digests by path as text, sorted by path, in the form `sha256sum -c` reads."""
    return "".join(_line(name, digests[name]) for name in sorted(digests))


def _line(name: str, digest: str) -> str:
    if "\n" not in name and "\\" not in name:
        return f"{digest}  {name}\n"
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n")
    return f"\\{digest}  {escaped}\n"


def read_listing(content: bytes) -> tuple[dict[str, str], list[int]]:
    """Return digests by path, and the numbers of the lines that are none."""
    digests: dict[str, str] = {}
    wrong: list[int] = []
    for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n")[:-1], start=1):
        found = _LINE.fullmatch(line)
        if not found:
            wrong.append(number)
            continue
        name = re.sub(r"\\(n|\\)", lambda m: "\n" if m[1] == "n" else "\\", found[3]) if found[1] else found[3]
        digests[name] = found[2]
    return digests, wrong


def files_below(folder: Path, name: str) -> Iterator[str]:
    """Yield the files below `folder`/`name` as paths relative to `folder`, sorted; no link leads back."""
    home = os.path.join(folder, "")
    seen = {os.path.realpath(os.path.join(home, name))}
    for place, folders, files in os.walk(os.path.join(home, name), followlinks=True):
        real = {inner: os.path.realpath(os.path.join(place, inner)) for inner in sorted(folders)}
        folders[:] = [inner for inner in real if real[inner] not in seen]
        seen |= set(real.values())
        for file in sorted(files):
            yield os.path.join(place, file)[len(home) :]
