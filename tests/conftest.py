"""What several tests need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bioanalysis.kernels import pin_kernels

pin_kernels()  # before NumPy is loaded: tests calculate as the workflow does


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of real data and certified values; tests that need it are skipped where it is not given."""
    folder = os.environ.get("BIOANALYSIS_REFERENCE")
    if not folder or not Path(folder).is_dir():
        pytest.skip("BIOANALYSIS_REFERENCE does not name the folder of reference data")
    return Path(folder).resolve()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole studies first: where several processes share the tests, none is left with one of minutes at the end."""
    items.sort(key=lambda item: "workflow" not in item.keywords)


CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser that reaches no network; tests that need it are skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    quiet = ("background-networking", "component-update", "sync", "gpu", "quic")
    words = ["--headless", "--no-sandbox", "--no-first-run", *(f"--disable-{word}" for word in quiet)]
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=words)
        yield browser
        browser.close()
