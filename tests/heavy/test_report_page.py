"""The report in a real browser: Chromium of Debian, headless. `apt-get install chromium`; `make test-heavy` runs it."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "migrate"))

from compared_pairs import failed, pair, workload

from agentbridge.migrate import Gate, Report, as_html, compare

HOSTILE = "</p></details><script>console.error('ran')</script><img src=x onerror=\"console.error('ran')\"><style>*{display:none}</style>"
PROBE = "<script>console.error('a script ran')</script>"


@pytest.fixture(scope="session")
def chromium():
    """The browser, which has to be there: what is not looked at is not known to work."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "Chromium is missing; install it: apt-get install chromium"
    return found


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    pairs = [
        *workload(400, turns=2, failing=0.03, wrong=0.03, reworded=0.1, noise=0.05),
        pair(f"old {HOSTILE}", f"new {HOSTILE}", id=HOSTILE, session=HOSTILE, target=HOSTILE, country=HOSTILE),
        pair("fine", failed(HOSTILE), id="failed"),
    ]
    comparison = compare(pairs, cohort="country", unknown=2, remaining=5)
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(as_html(Report.of(comparison, Gate(), {"agentbridge": "0.1.0", "note": HOSTILE})))
    return path


@pytest.fixture
def browse(chromium, tmp_path):
    """Runs the browser once; returns what it printed and what its pages said on their consoles."""

    def run(*arguments):
        command = [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
            f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", *map(str, arguments),
        ]  # fmt: skip
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)
        return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]

    return run


def _size_and_colours(path):
    """Width, height and the number of different pixels in the first rows of a PNG; enough to see that it is no blank page."""
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    chunks = re.finditer(rb"IDAT", data)
    packed = b"".join(
        data[at.end() : at.end() + struct.unpack(">I", data[at.start() - 4 : at.start()])[0]] for at in chunks
    )
    return width, height, len(set(zlib.decompressobj().decompress(packed, 4_000_000)))


def test_the_page_says_nothing_on_the_console(browse, page):
    dom, said = browse("--dump-dom", page.as_uri())
    assert said == []
    assert "Worst differences first" in dom


def test_the_console_would_be_heard(browse, page):
    """The test above can fail: a script of the page's own is refused, and the refusal is said."""
    probed = page.with_name("probed.html")
    probed.write_text(page.read_text().replace("</main>", PROBE + "</main>"))
    _, said = browse("--dump-dom", probed.as_uri())
    assert any("Content Security Policy" in line for line in said)
    assert not any("a script ran" in line for line in said)


def test_a_hostile_answer_makes_no_element(browse, page):
    dom, _ = browse("--dump-dom", page.as_uri())
    assert not re.search(r"<(script|img|iframe|link|object)\b", dom)
    assert dom.count("<style") == 1
    assert "&lt;script&gt;console.error" in dom


@pytest.mark.parametrize("width", [1200, 500])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_drawn(browse, page, tmp_path, width, scheme):
    shot = tmp_path / f"{scheme}-{width}.png"
    dark = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    _, said = browse(f"--screenshot={shot}", f"--window-size={width},1600", *dark, page.as_uri())
    drawn = _size_and_colours(shot)
    assert said == []
    assert drawn[:2] == (width, 1600)
    assert drawn[2] > 100


def test_nothing_is_wider_than_a_phone(browse, page, tmp_path):
    """A page around it measures: the report itself may run no script."""
    inner = page.with_name("inner.html")
    inner.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text()))
    outer = page.with_name("outer.html")
    outer.write_text(
        '<iframe id="f" src="inner.html" width="360" height="900"></iframe><script>f.onload=()=>{'
        "document.title=f.contentDocument.documentElement.scrollWidth}</script>"
    )
    dom, _ = browse("--dump-dom", "--allow-file-access-from-files", outer.as_uri())
    assert re.search(r"<title>(\d+)</title>", dom).group(1) == "360"


def test_the_page_can_be_printed(browse, page, tmp_path):
    browse(f"--print-to-pdf={tmp_path / 'report.pdf'}", page.as_uri())
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
