"""Digests of many files at once are those of each file, whatever its size and whatever it is."""

from __future__ import annotations

import hashlib
import os
import random

import pytest

from bioanalysis.records.digests import NoFile, sha256_of, sha256_of_all

BLOCK = 2**18  # what is read at once


@pytest.mark.parametrize("size", [0, 1, 5000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 17])
def test_every_byte_of_a_file_is_hashed(tmp_path, size):
    content = random.Random(size).randbytes(size)
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_file_whose_size_the_system_does_not_know_is_read_to_its_end():
    # /proc says 0 bytes of what it makes up as it is read
    assert os.stat("/proc/version").st_size == 0
    with open("/proc/version", "rb") as stream:
        assert sha256_of("/proc/version") == hashlib.sha256(stream.read()).hexdigest()


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"one ")
    size_then = os.stat(tmp_path / "file")
    with (tmp_path / "file").open("ab") as stream:
        stream.write(b"and more")
    monkeypatch.setattr(os, "fstat", lambda _number: size_then)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(b"one and more").hexdigest()


def test_digests_of_many_files_come_in_order_with_words_where_there_is_none(tmp_path):
    contents = {f"{number:04d}": random.Random(number).randbytes(number) for number in range(1000)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    names = [*contents, "pipe", "missing"]
    said = [hashlib.sha256(content).hexdigest() for content in contents.values()] + ["is no regular file", "is missing"]
    assert sha256_of_all([str(tmp_path / name) for name in names]) == said
    assert sha256_of_all([]) == []


@pytest.mark.parametrize("place", [0, 500, 999])
def test_what_cannot_be_a_name_stops_all_and_leaves_no_file_without_a_digest(tmp_path, place):
    (tmp_path / "file").write_bytes(b"content")
    names = [str(tmp_path / "file")] * 1000
    names[place] = "a\0b"
    with pytest.raises(ValueError, match="null"):
        sha256_of_all(names)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(NoFile, match="no regular file"):
        sha256_of(tmp_path)
