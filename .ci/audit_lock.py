"""Are known vulnerabilities among the locked packages? pip-audit asks a database; what it could not ask counts.

python .ci/audit_lock.py LOCK... [--warn-if-unreachable] [-- OPTIONS OF PIP-AUDIT]

pip-audit says "No known vulnerabilities found", with exit code 0, also where it found no package in the database. So:
exit 0 where every package was looked up and none is known to be vulnerable; 1 where one is; 2 where not all could be
looked up (0 and a warning under --warn-if-unreachable, as long as none of the others is vulnerable).
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

MOST = 5
PATIENCE_S = 120  # of one lock file; where nobody answers, each package is waited for


def ask(lock: str, options: list[str]) -> str:
    """Return what pip-audit writes about a lock file, as JSON; its last word where it wrote none."""
    program = Path(sys.executable).with_name("pip-audit")
    words = ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off", "-r", lock]
    try:
        done = subprocess.run(
            [program, *words, *options], capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {PATIENCE_S} s"
    return done.stdout if done.stdout.strip() else (done.stderr.strip().splitlines() or ["no answer"])[-1]


def judge(answers: dict[str, str]) -> tuple[int, list[str]]:
    """Return the exit code and what is to be said of pip-audit's answers, by lock file."""
    bad: list[str] = []
    unknown: list[str] = []
    count = 0
    for lock, answer in answers.items():
        try:
            packages = json.loads(answer)["dependencies"]
        except (ValueError, KeyError, TypeError):
            unknown.append(f"{lock}: {answer.strip()}")
            continue
        if not packages:
            unknown.append(f"{lock}: no package in it was understood")
        for package in packages:
            if "skip_reason" in package:
                unknown.append(f"{lock}: {package['skip_reason']}")
                continue
            count += 1
            bad += [_said(lock, package, found) for found in package["vulns"]]
    if bad:
        return 1, [f"{len(bad)} known vulnerabilities:", *bad, *_short(unknown)]
    if unknown:
        return 2, [f"NOT AUDITED: {len(unknown)} could not be looked up, {count} were:", *_short(unknown)]
    return 0, [f"{count} locked packages looked up: no known vulnerability"]


def _said(lock: str, package: dict, found: dict) -> str:
    mended = ", ".join(found.get("fix_versions") or ["no version"])
    return f"  {lock}: {package['name']} {package['version']}: {found['id']}; mended in {mended}"


def _short(lines: list[str]) -> list[str]:
    more = [f"  and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return [*(f"  {line[:200]}" for line in lines[:MOST]), *more]


def main(words: list[str]) -> int:
    """Ask, judge, say."""
    ours, _, options = " ".join(words).partition(" -- ")
    locks = [word for word in ours.split() if word != "--warn-if-unreachable"]
    code, lines = judge({lock: ask(lock, options.split()) for lock in locks})
    print("\n".join(lines))
    if code == 2 and "--warn-if-unreachable" in words:
        print("WARNING: the lock files are not known to be free of known vulnerabilities")
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
