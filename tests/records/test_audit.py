"""The audit trail: chained, anchored, completed after an interruption, never silently cut."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pwd

import pytest

from bioanalysis.errors import RecordsDamaged
from bioanalysis.records.audit import Act, AuditTrail, Damaged, completions, open_line, read_trail, sealed_line
from bioanalysis.records.places import HEAD, TRAIL
from bioanalysis.records.restart import restarts, start_again

pytestmark = pytest.mark.requirement("UR-032")


@pytest.fixture
def trail(tmp_path):
    audit = AuditTrail(tmp_path)
    for number in range(1, 5):
        audit.add(Act("weighed", f"S{number}", before=None, after={"mg": 100 + number}, reason="first weighing"))
    return tmp_path


def findings(folder):
    return [str(f) for f in read_trail((folder / TRAIL).read_bytes(), (folder / HEAD).read_bytes()).findings]


def lines(folder):
    return (folder / TRAIL).read_bytes().splitlines(keepends=True)


def test_an_entry_says_who_when_what_before_after_why(trail):
    entry = json.loads(lines(trail)[1])
    assert {"user", "host", "time", "action", "object", "before", "after", "reason"} <= set(entry)
    assert entry["time"].endswith("Z")
    assert (entry["object"], entry["after"], entry["reason"]) == ("S2", {"mg": 102}, "first weighing")


def test_each_line_holds_the_digest_of_the_line_before(trail):
    first, second = (json.loads(line) for line in lines(trail)[:2])
    rest = lines(trail)[0].removesuffix(b"\n").split(b",", 1)[1]
    assert first["digest"] == hashlib.sha256(rest).hexdigest()
    assert second["previous"] == first["digest"]


def test_every_single_byte_of_trail_and_head_counts(trail):
    for name in (TRAIL, HEAD):
        whole = (trail / name).read_bytes()
        for place in range(len(whole)):
            (trail / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            found = read_trail((trail / TRAIL).read_bytes(), (trail / HEAD).read_bytes())
            assert found.findings or found.unfinished, f"byte {place} of {name}"
        (trail / name).write_bytes(whole)
    assert not findings(trail)


def test_an_end_that_was_cut_off_is_found(trail):
    (trail / TRAIL).write_bytes(b"".join(lines(trail)[:3]))
    assert findings(trail) == [f"{TRAIL}: ends after 3 entries of 4: its end was cut off (held against {HEAD})"]


def test_an_entry_taken_out_of_the_middle_is_found(trail):
    (trail / TRAIL).write_bytes(b"".join(lines(trail)[:1] + lines(trail)[2:]))
    assert any("line 2 does not follow line 1" in finding for finding in findings(trail))


def test_a_last_entry_written_anew_with_a_true_digest_is_found(trail):
    content = open_line(lines(trail)[3])
    content.pop("digest")
    forged = sealed_line({**content, "user": "somebody else"})
    (trail / TRAIL).write_bytes(b"".join([*lines(trail)[:3], forged]))
    assert any("was replaced" in finding for finding in findings(trail))


def written_anew(line, **changed):
    """Return a line with other content and the digest of that."""
    content = {key: value for key, value in open_line(line).items() if key != "digest"}
    return sealed_line(content | changed)


def test_an_entry_in_the_middle_written_anew_with_a_true_digest_is_found(trail):
    first, second, *rest = lines(trail)
    (trail / TRAIL).write_bytes(b"".join([first, written_anew(second, user="somebody else"), *rest]))
    assert [finding.split(":")[1] for finding in findings(trail)] == [" line 3 does not follow line 2"]


def test_an_entry_added_at_the_end_under_another_number_is_found(trail):
    *_, last = lines(trail)
    added = written_anew(last, previous=open_line(last)["digest"], entry=9)
    (trail / TRAIL).write_bytes((trail / TRAIL).read_bytes() + added)
    (trail / HEAD).write_bytes(sealed_line({"entries": 5, "last": open_line(added)["digest"]}))
    assert [finding.split(":")[1] for finding in findings(trail)] == [" line 5 does not follow line 4"]


def test_a_last_entry_written_anew_is_found_also_under_a_further_one_the_head_does_not_know(trail):
    *rest, last = lines(trail)
    forged = written_anew(last, user="somebody else")
    further = written_anew(last, previous=open_line(forged)["digest"], entry=5)
    (trail / TRAIL).write_bytes(b"".join([*rest, forged, further]))
    assert findings(trail) == [f"{TRAIL}: entry 4 was replaced (held against {HEAD})"]


def test_of_several_acts_the_last_vouches_for_the_files_written(trail):
    audit = AuditTrail(trail)
    audit.add(Act("weighed", "S5"), Act("weighed", "S6"), files={f"{TRAIL}.note": b"both"})
    assert [entry.get("records") for entry in audit.trail.entries[4:]] == [
        None, {f"{TRAIL}.note": hashlib.sha256(b"both").hexdigest()},
    ]  # fmt: skip


def test_entries_of_one_moment_do_not_say_that_the_clock_went_back(trail, monkeypatch):
    monkeypatch.setattr("bioanalysis.records.audit.now", lambda: "2099-01-01T00:00:00.000Z")
    audit = AuditTrail(trail)
    audit.add(Act("weighed", "S5"), Act("weighed", "S6"))
    assert not any("clock" in entry for entry in audit.trail.entries)


def test_of_one_damaged_line_the_next_is_not_blamed(trail):
    first, second, *rest = lines(trail)
    (trail / TRAIL).write_bytes(b"".join([first, second.replace(b"first weighing", b"other weighing"), *rest]))
    assert findings(trail) == [f"{TRAIL}: line 2 is not what was written (held against the digest in the line)"]


def test_a_damaged_trail_is_not_written_on(trail):
    (trail / TRAIL).write_bytes(b"".join(lines(trail)[:3]))
    with pytest.raises(RecordsDamaged, match="cut off"):
        AuditTrail(trail).require_whole()
    assert len(lines(trail)) == 3


def test_a_trail_started_again_keeps_the_damaged_one_and_says_so(trail):
    (trail / TRAIL).write_bytes(b"".join(lines(trail)[:3]))
    audit = AuditTrail(trail)
    start_again(trail, audit, "restored from the backup of Monday")
    entry = audit.trail.entries[0]
    assert entry["action"] == "trail_restarted"
    assert "cut off" in entry["before"][0]
    assert (trail / TRAIL).with_name("damaged-1.jsonl").read_bytes().count(b"\n") == 3
    assert not findings(trail)
    (said,) = restarts(AuditTrail(trail).trail)
    assert said.startswith("entry 1: the audit trail was damaged and begun anew")
    assert said.endswith(": restored from the backup of Monday")


@pytest.mark.requirement("UR-031")
def test_who_did_it_is_whom_the_system_knows_and_not_what_he_calls_himself(trail, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "qa.director")
    audit = AuditTrail(trail)
    audit.add(Act("weighed", "S5"))
    assert audit.trail.entries[-1]["user"] == pwd.getpwuid(os.getuid()).pw_name != "qa.director"


def test_a_torn_last_line_is_told_and_the_trail_goes_on(trail):
    with (trail / TRAIL).open("ab") as stream:
        stream.write(b'{"digest":"12')
    audit = AuditTrail(trail)
    audit.require_whole()
    audit.add(Act("weighed", "S5"))
    assert not findings(trail)
    said = [json.loads(line) for line in lines(trail)]
    assert [entry["action"] for entry in said[4:]] == ["trail_completed", "weighed"]
    assert said[4]["before"] == {"torn_line": '{"digest":"12'}


def test_an_act_killed_before_its_files_were_in_place_is_completed(trail):
    audit = AuditTrail(trail)
    audit.add(Act("wrote", "a file"), files={f"{TRAIL}.note": b"first"})
    audit.add(Act("wrote", "a file"), files={f"{TRAIL}.note": b"second"})
    (trail / f"{TRAIL}.note").write_bytes(b"first")  # as it stood before its name was given
    (trail / f"{TRAIL}.note.next").write_bytes(b"second")
    AuditTrail(trail).require_whole()
    assert (trail / f"{TRAIL}.note").read_bytes() == b"second"
    assert not list(trail.rglob("*.next"))


def test_what_waits_for_its_name_and_no_entry_vouches_for_is_taken_away(trail):
    AuditTrail(trail).add(Act("wrote", "a file"), files={f"{TRAIL}.note": b"first"})
    (trail / f"{TRAIL}.note.next").write_bytes(b"slipped in")
    AuditTrail(trail).require_whole()
    assert (trail / f"{TRAIL}.note").read_bytes() == b"first"
    assert not list(trail.rglob("*.next"))


TRUE_DIGEST = hashlib.sha256(b"1]}").hexdigest().encode()  # of what is no JSON


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}\n", b"\xff\xfe\n", b'{"digest":"' + b"0" * 64 + b'",' + b"[" * 10_000 + b"}\n",
        sealed_line({"mg": 1})[:-1], sealed_line({"mg": 1}) + b"\n", b'{"digest":"' + TRUE_DIGEST + b'",1]}\n',
    ],
)  # fmt: skip
def test_lines_that_are_none_are_damage_and_no_crash(line):
    with pytest.raises(Damaged):
        open_line(line)


@pytest.mark.parametrize("head", [{"entries": "x", "last": 1}, {"entries": True, "last": ""}, {"last": "a"}])
def test_a_head_of_another_form_is_damage_and_no_crash_though_its_digest_holds(trail, head):
    (trail / HEAD).write_bytes(sealed_line(head))
    assert findings(trail) == [f"{HEAD}: does not say how long a trail is (held against the form of the records)"]
    with pytest.raises(RecordsDamaged):
        AuditTrail(trail).require_whole()


@pytest.mark.parametrize(
    "change", [{"entry": "2"}, {"time": None}, {"records": ["a"]}, {"records": {"a": 1}}, {"object": {}}]
)
def test_an_entry_of_another_form_is_damage_and_no_crash_though_its_digest_holds(trail, change):
    first, second, *rest = lines(trail)
    changed = {key: value for key, value in open_line(second).items() if key != "digest"} | change
    (trail / TRAIL).write_bytes(b"".join([first, sealed_line(changed), *rest]))
    assert f"{TRAIL}: line 2 is no entry (held against the form of the records)" in findings(trail)
    with pytest.raises(RecordsDamaged):
        AuditTrail(trail).require_whole()


def test_a_first_act_that_was_interrupted_anywhere_is_completed(tmp_path):
    def begun(name):
        audit = AuditTrail(tmp_path / name)
        audit.add(*(Act("weighed", f"S{number}", None, None, "") for number in (1, 2)))
        return tmp_path / name

    whole, none = (begun("whole") / TRAIL).read_bytes(), sealed_line({"entries": 0, "last": ""})
    for length in (None, *range(0, len(whole), 7), len(whole)):
        folder = tmp_path / f"cut-{length}"
        (folder / TRAIL).parent.mkdir(parents=True)
        (folder / HEAD).write_bytes(none)
        if length is not None:
            (folder / TRAIL).write_bytes(whole[:length])
        audit = AuditTrail(folder)
        audit.require_whole()
        audit.add(Act("weighed", "S3", None, None, ""))
        kept = whole[: length or 0].count(b"\n")
        assert [entry["object"] for entry in AuditTrail(folder).trail.entries if entry["action"] == "weighed"] == [
            *("S1", "S2")[:kept], "S3",
        ]  # fmt: skip
        assert findings(folder) == []


def test_a_disk_that_is_full_when_the_first_head_is_written_leaves_a_trail_that_goes_on(tmp_path, monkeypatch):
    audit, write = AuditTrail(tmp_path), AuditTrail.write_head

    def full(self):
        if self.trail.entries:
            raise OSError(errno.ENOSPC, "No space left on device", str(self.folder / HEAD))
        write(self)

    monkeypatch.setattr(AuditTrail, "write_head", full)
    with pytest.raises(OSError, match="No space left"):
        audit.add(Act("weighed", "S1", None, None, ""))
    monkeypatch.undo()
    again = AuditTrail(tmp_path)
    again.require_whole()
    assert [entry["action"] for entry in again.trail.entries] == ["weighed", "trail_completed"]
    assert findings(tmp_path) == []


def test_a_head_of_none_is_no_way_to_cut_a_trail_of_several_acts(tmp_path):
    audit = AuditTrail(tmp_path)
    for number in (1, 2, 3):
        audit.add(Act("weighed", f"S{number}", None, None, ""), files={f"kept/{number}": b"1"})
    (tmp_path / TRAIL).write_bytes(b"".join(lines(tmp_path)[:2]))
    (tmp_path / HEAD).write_bytes(sealed_line({"entries": 0, "last": ""}))
    with pytest.raises(RecordsDamaged, match="knows no entry of a trail of several acts"):
        AuditTrail(tmp_path).require_whole()


def test_what_was_completed_is_said_then_and_remarked_ever_after(trail, capsys):
    added = {**json.loads(lines(trail)[-1]), "previous": json.loads(lines(trail)[-1])["digest"], "entry": 5}
    del added["digest"]
    with (trail / TRAIL).open("ab") as stream:
        stream.write(sealed_line(added))
    AuditTrail(trail).require_whole()
    said = "an act was interrupted: it has 5 entries, its head knows 4"
    assert capsys.readouterr().err == f"note: {said}; the audit trail goes on from there\n"
    assert completions(AuditTrail(trail).trail) == [f"entry 6: {said}"]


def test_a_head_that_was_taken_away_is_still_found(trail):
    (trail / HEAD).unlink()
    with pytest.raises(RecordsDamaged, match=r"head\.json: is missing"):
        AuditTrail(trail).require_whole()
