"""The page in a real browser: numbers, width, colours, and that nothing leaves the page."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from pipeline.report.figures.colours import contrast
from tests.report.browser import Page, browser, chromium

pytestmark = pytest.mark.skipif(
    chromium() is None and not os.environ.get("CI"),
    reason="no chromium here (apt install chromium)",
)

PHONE, DESK = 390, 1280
COLOURS = """
[...document.querySelectorAll("p, td, th, dt, dd, li, a, summary, figcaption, caption, span")]
  .filter(one => one.checkVisibility() && one.textContent.trim())
  .map(one => {
    let ground = one;
    while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") {
      ground = ground.parentElement;
    }
    return [getComputedStyle(one).color, getComputedStyle(ground).backgroundColor];
  })
  .map(pair => pair.join(" on "))
"""


@pytest.fixture(scope="module")
def page(finished, tmp_path_factory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as one:
        one.look(width=DESK)
        one.open(finished / "results/report.html")
        yield one


def hexadecimal(colour: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3])


def test_no_error_and_no_request_leaves_the_page(page, finished):
    assert not page.said("Runtime.exceptionThrown")
    assert not page.said("Log.entryAdded")
    assert not [one for one in page.said("Runtime.consoleAPICalled") if one["type"] == "error"]
    asked = {one["request"]["url"] for one in page.said("Network.requestWillBeSent")}
    assert asked == {(finished / "results/report.html").as_uri()}


def test_nothing_may_leave_the_page(page):
    page.run(
        "window.refused = [];"
        "document.addEventListener('securitypolicyviolation', e => refused.push(e.blockedURI));"
        "const image = new Image(); image.src = 'http://127.0.0.1:9/x.png';"
        "const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        "document.body.append(image, script); 0"
    )
    deadline = time.monotonic() + 5
    while page.run("refused.length") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(page.run("refused")) == {"http://127.0.0.1:9/x.png", "inline"}
    assert page.run("window.ran") is None


def test_the_tables_have_their_numbers(page, finished):
    table = pd.read_csv(finished / "results/table1.csv")
    shown = page.run("[...document.querySelectorAll('#table1 td .ours')].map(e => e.textContent)")
    for column in ("ar", "de", "en", "sw", "avg"):
        assert {f"{value:.1f}" for value in table[column]} <= set(shown)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_no_sideways_scrolling_and_legible_text(page, width, dark):
    page.look(width=width, dark=dark)
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    # A phone widens its window to fit what is too wide, so compare with the width that was set.
    assert page.run("document.scrollingElement.scrollWidth") <= width
    inner = (
        "[...document.querySelectorAll('table, pre, figure, .panels, svg')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 0.5 || "
        "(e.tagName !== 'svg' && e.scrollWidth > e.clientWidth + 1)).map(e => e.outerHTML)"
    )
    assert page.run(inner) == []
    pairs = set(page.run(COLOURS))
    grounds = {hexadecimal(pair.split(" on ")[1]) for pair in pairs}
    assert ("#14161a" in grounds, "#fcfcfa" in grounds) == (dark, not dark)
    for pair in pairs:
        text, ground = map(hexadecimal, pair.split(" on "))
        assert contrast(text, ground) >= 4.5, pair


def test_table_1_with_many_runs_fits_a_phone(page, finished, made):
    wide = made(
        ("runs: [sp, pct, mpt]", "runs: [untrained, ft, sp, pct, mpt]"),
        ("matched: {runs: [sp]", "matched: {runs: [ft, sp, pct]"),
    )
    assert len(wide.select("#table1 thead")[-1]("th")) == 9
    Path("wide.html").write_text(str(wide), encoding="utf-8")
    page.look(width=PHONE)
    try:
        page.open(Path("wide.html").resolve())
        assert page.run("document.scrollingElement.scrollWidth") <= PHONE
    finally:
        page.open(finished / "results/report.html")


def test_text_in_figures_is_large_enough_on_a_phone(page):
    page.look(width=PHONE)
    sizes = page.run(
        "[...document.querySelectorAll('figure svg')].map(svg => 10 * "
        "svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"
    )
    assert min(sizes) >= 9


def test_marks_show_their_numbers_to_mouse_and_keys(page):
    page.look(width=DESK)
    mark = "document.querySelector('#figure3 [role=img]')"
    label = page.run(f"{mark}.getAttribute('aria-label')")
    left, top = page.run(
        f"(() => {{ {mark}.scrollIntoView({{block: 'center', behavior: 'instant'}}); "
        f"const b = {mark}.getBoundingClientRect(); "
        "return [b.left + b.width / 2, b.top + b.height / 2]; })()"
    )
    deadline = time.monotonic() + 5
    while page.run("tip.hidden") and time.monotonic() < deadline:  # scrolling hides the tip
        page.send("Input.dispatchMouseEvent", type="mouseMoved", x=left, y=top)
        left += 0.25
    assert page.run("[tip.hidden, tip.textContent]") == [False, label]
    page.run(f"{mark}.focus()")
    for key in ("keyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=key, key="ArrowDown", code="ArrowDown",
                  windowsVirtualKeyCode=40)  # fmt: skip
    second = page.run("document.querySelectorAll('#figure3 svg')[0]"
                      ".querySelectorAll('[role=img]')[1].getAttribute('aria-label')")  # fmt: skip
    assert second != label
    assert page.run("document.activeElement.getAttribute('aria-label')") == second
    assert page.run("tip.textContent") == second
