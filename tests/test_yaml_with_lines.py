"""Settings are read without guessing, and nothing in them can grow, loop or run."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bioanalysis.errors import BatchError
from bioanalysis.yaml_with_lines import read_yaml

pytestmark = pytest.mark.requirement("UR-003")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    path = tmp_path_factory.mktemp("yaml") / "config.yaml"

    def read(text: str | bytes):
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_yaml(path, "config/config.yaml")

    return read


def refusal(read, text: str | bytes) -> str:
    with pytest.raises(BatchError) as error:
        read(text)
    return "; ".join(str(fault) for fault in error.value.faults)


def test_every_key_and_item_knows_its_line(read):
    document = read("# title\nstudy:\n  id: A\nlist:\n  - {name: x, n: 1}\n  - {name: y,\n     n: 2}\n")
    assert document.content == {"study": {"id": "A"}, "list": [{"name": "x", "n": "1"}, {"name": "y", "n": "2"}]}
    assert document.line(("study", "id")) == 3
    assert document.line(("list", 1, "n")) == 7
    assert document.line(("list", 1, "missing")) == 6  # the innermost part that is there
    assert document.key(("list", 1, "n")) == "list[y].n"
    assert document.key(("study", "id")) == "study.id"


def test_plain_words_stay_words(read):
    words = "a: no\nb: 1:30\nc: 010\nd: 2026-03-01\ne: 1e3\nf: 1_000\ng: ~\nh:\ni: ''\nj: 'null'\n"
    assert list(read(words).content.values()) == [
        "no",
        "1:30",
        "010",
        "2026-03-01",
        "1e3",
        "1_000",
        None,
        None,
        "",
        "null",
    ]


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b""])
def test_a_byte_order_mark_and_windows_lines_are_no_obstacle(read, start):
    assert read(start + b"a: 1\r\nb: 2\r\n").content == {"a": "1", "b": "2"}


def test_a_cyclic_alias_is_refused_at_once(read):
    start = time.process_time()
    assert refusal(read, "a: &x\n  b: *x\n") == "line 1: '&x'; expected no anchors or aliases: write it out"
    assert time.process_time() - start < 1


def test_a_billion_laughs_are_refused_at_once(read):
    lines = ["a0: &a0 [lol]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    start = time.process_time()
    assert "no anchors or aliases" in refusal(read, "\n".join(lines))
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, a: repeats the key of line 1; expected each key once"),
        ("a: {b: 1, b: 2}\n", "line 1, a.b: repeats the key of line 1; expected each key once"),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            "line 1: the tag 'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        ("a: 1\n---\nb: 2\n", "line 2: a second document ('---'); expected one document"),
        ("a: [1, 2\nb: 3\n", "line 2: no YAML: "),
        ("a: b: c\n", "line 1: no YAML: mapping values are not allowed in this context; expected `key: value`"),
        ("\tb: 1\n", "line 1: no YAML: found character that cannot start any token; expected `key: value`"),
        ("[a]: 1\n", "line 1: a key that is no word; expected a word before each colon"),
        ("a: " + "[" * 5000, "line 1: deeply nested; expected at most 20 levels"),
        (b"a: \xe9t\xe9\n", "line 1: byte 0xe9 is not UTF-8; expected text saved as UTF-8"),
        ("a: 1\n".encode("utf-16"), "not UTF-8 (it looks like UTF-16 or a binary file); expected text saved as UTF-8"),
        (b"a: '\x07'\n", "no YAML: "),
        ("a: 1\n" * 250_000, "larger than 1 MB; expected at most 1 MB"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value)[:20],
)
def test_what_settings_do_not_need_is_refused(read, text, message):
    assert message in refusal(read, text)


def test_an_empty_file_holds_nothing(read):
    assert read("").content is None
    assert read("# only a remark\n").content is None


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(BatchError, match="is a folder; expected a file"):
        read_yaml(tmp_path, "config/config.yaml")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*!|>'\"#,? \n\t%@", max_size=40))
def test_whatever_stands_in_a_file_it_is_read_or_refused(read, text):
    with contextlib.suppress(BatchError):
        read(text)
