"""Pages opened in the browser of the fixture `chromium`, and what axe-core says of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def opened(chromium: Any, **settings: Any) -> Iterator[tuple[Any, list[str]]]:
    """Yield a page of the browser, and what its console, its scripts and its network complained of."""
    context = chromium.new_context(**settings)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    yield page, said
    context.close()


def serious_issues(page: Any) -> list[str]:
    """Return the serious and critical issues that axe-core finds; AXE_CORE names its axe.min.js."""
    source = os.environ.get("AXE_CORE", "")
    if not Path(source).is_file():
        pytest.skip("AXE_CORE does not name axe.min.js (npm package axe-core)")
    page.add_style_tag(content="section{content-visibility:visible!important}")
    page.evaluate(Path(source).read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [
        f"{issue['id']}: {issue['help']} ({issue['nodes'][0]['html'][:120]})"
        for issue in found
        if issue["impact"] in ("serious", "critical")
    ]
