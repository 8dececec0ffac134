"""The web page in a real browser (Debian's Chromium), in front of the real server and the real engine."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.live import KEY, Server

from clinsynth.corpus import AGE_BANDS, SEXES
from clinsynth.serve.access import OPEN

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium")
PAGE = Path(__file__).parents[2] / "serving" / "clinsynth" / "serve" / "page"


def test_nothing_comes_from_elsewhere() -> None:
    for path in PAGE.iterdir():
        text = path.read_text("utf-8")
        assert not re.findall(r"https?://", text), path.name
        assert "innerHTML" not in text, "text is only ever set as text"
        assert path.name == "index.html" or f"/page/{path.name}" in OPEN


def test_the_choices_are_those_of_the_corpus() -> None:
    script, page = (PAGE / "page.js").read_text(), (PAGE / "index.html").read_text()
    [ages] = re.findall(r"const AGES = (\[.*?\]);", script)
    assert tuple(json.loads(ages)) == AGE_BANDS
    assert all(f"<option>{sex}</option>" in page for sex in SEXES)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        one = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--no-first-run",
            ],
        )  # fmt: skip
        yield one
        one.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A fresh tab; whatever the console says is an error of the test."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    one = context.new_page()
    said: list[str] = []
    one.on("console", lambda message: said.append(message.text))
    one.on("pageerror", lambda error: said.append(str(error)))
    one.goto(server.url)
    yield one
    unexpected = [text for text in said if "status of 401" not in text and "status of 422" not in text]
    assert unexpected == []
    context.close()


def fill(page: Any, **fields: str) -> None:
    page.fill("#key", KEY)
    for name, value in fields.items():
        if name in ("sex", "age_band", "model"):
            page.select_option(f"#{name}", value)
        else:
            page.fill(f"#{name}", value)


def until(page: Any, expression: str) -> None:
    """Waits for it to be true. Playwright's own wait evaluates strings, which the page's policy forbids."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(expression)


def test_notes_come_with_their_spans_verdict_and_record(page: Any, server: Server) -> None:
    asked = {"n": 3, "seed": 5, "sex": "female", "mode": "surrogates"}
    with server.client() as client:
        notes = client.post("/v1/notes", json=asked).json()["notes"]
    fill(page, n="3", seed="5", sex="female")
    page.click("#go")
    until(page, "document.querySelectorAll('article[aria-busy=false]').length == 3")
    until(page, "document.getElementById('status').textContent.includes('seed 5')")
    shown = page.locator("article")
    for note in notes:
        place = shown.nth(note["index"])
        if note["text"] is None:
            assert "withheld by the gate" in place.inner_text()
            continue
        assert place.locator(".text").evaluate("node => node.textContent") == note["text"]
        for kind, spans in (("phi", note["phi"]), *((e["label"], [e]) for e in note["entities"])):
            marks = place.locator(f"mark.{kind}").all_text_contents()
            assert {note["text"][s["start"] : s["end"]] for s in spans} <= set(marks)
        place.locator("summary", has_text="Provenance").click()
        assert note["provenance"]["card_sha256"] in place.inner_text()
    assert page.locator("#legend li").count() >= 2
    released = next(note for note in notes if note["text"] is not None)
    shown.nth(released["index"]).get_by_role("button", name="Copy").click()
    until(page, "document.getElementById('status').textContent.includes('copied')")
    assert page.evaluate("navigator.clipboard.readText()") == released["text"]
    with page.expect_download() as download:
        page.click("#download")
    kept = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert sorted(note["index"] for note in kept) == [0, 1, 2]


def test_how_far_it_is_can_be_watched(page: Any) -> None:
    page.evaluate(
        "window.said = []; new MutationObserver(() => said.push(document.getElementById('status').textContent))"
        ".observe(document.getElementById('status'), { childList: true })"
    )
    fill(page, n="8", seed="1")
    page.click("#go")
    until(page, "said.some(text => /^Note [1-8]: \\d+ tokens/.test(text))")
    until(page, "said.at(-1).includes('of 8 notes')")


@pytest.mark.parametrize("case", ["key", "field"])
def test_an_error_is_told_where_it_is_heard(page: Any, case: str) -> None:
    fill(page, n="1" if case == "key" else "1000")
    if case == "key":
        page.fill("#key", "wrong")
    page.click("#go")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert ("does not open" if case == "key" else "this server allows") in alert.inner_text()
    assert page.locator("article").count() == 0
    assert page.locator("#go").is_enabled()


def test_stopping(page: Any) -> None:
    fill(page, n="60")
    page.click("#go")
    page.click("#stop")
    until(page, "document.getElementById('status').textContent == 'Stopped.'")
    assert page.get_by_role("alert").count() == 0 or not page.get_by_role("alert").is_visible()


def test_the_keyboard_alone_is_enough(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the notes"
    page.keyboard.press("Tab")
    page.keyboard.type(KEY)
    order = ["note_type", "specialty", "sex", "age_band", "diagnoses", "sections"]
    for name in order:
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "model":
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == name
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.forms[0].elements.mode.value") == "tags"
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('article[aria-busy=false]').length == 1")
    text = page.locator("article").inner_text()
    assert "withheld" in text or page.locator("mark.phi").count() == 0 or "<|" in text


def test_every_control_has_a_name_and_the_key_goes_with_the_tab(page: Any) -> None:
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, select, button')].filter(n => !n.labels?.length && !n.textContent.trim()).length"
    )
    assert unnamed == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    fill(page, n="1", seed="1")
    page.click("#go")
    until(page, "document.querySelectorAll('article[aria-busy=false]').length == 1")
    page.reload()
    assert page.input_value("#key") == KEY
    assert page.evaluate("JSON.stringify(Object.keys(localStorage)) + document.cookie") == "[]"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_it_fits_and_can_be_read(page: Any, scheme: str, width: int, tmp_path: Path) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    fill(page, n="2", seed="5", sex="female", note_type="clinic letter")
    page.click("#go")
    until(page, "document.querySelectorAll('article[aria-busy=false]').length == 2")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("body", "mark", ".hint", "button[type=submit]"):
        assert page.evaluate(_CONTRAST, name) >= 4.5, (name, scheme)
    shot = tmp_path / f"page-{scheme}-{width}.png"
    page.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 10_000


# WCAG's contrast of an element's text against the first ground behind it.
_CONTRAST = """
(selector) => {
  const node = document.querySelector(selector);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  let behind = node;
  while (parse(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [light(parse(getComputedStyle(node).color)), light(parse(getComputedStyle(behind).backgroundColor))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
"""
