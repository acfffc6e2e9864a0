"""Pages opened in the browser of the fixture `chromium`, and what axe-core says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]


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
    """Return the serious and critical issues that axe-core finds, the whole page laid out."""
    page.add_style_tag(content="section,.review-card{content-visibility:visible!important}")
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(f"axe.run({{runOnly: {AXE_RULES}, resultTypes: ['violations']}})")["violations"]
    return [
        f"{issue['id']}: {issue['help']} ({len(issue['nodes'])}, first {issue['nodes'][0]['html'][:160]})"
        for issue in found
        if issue["impact"] in ("serious", "critical")
    ]
