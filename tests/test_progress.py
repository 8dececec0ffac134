"""Progress: what the line says, and where it is printed how often."""

import io

import pytest

from clinsynth import progress
from clinsynth.progress import Progress, clock, track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Stands in for the clock; advanced by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Clock:
    watch = Clock()
    monkeypatch.setattr(progress, "time", watch)
    return watch


def test_a_line_tells_share_rate_and_time_left(hands: Clock) -> None:
    bar = Progress("training", 200, "steps", stream=io.StringIO())
    hands.now += 10
    bar.advance(50, "loss 3.2")
    assert bar.line() == "training: 50/200 steps (25%), 5.00 steps/s, 0:30 left, loss 3.2"
    hands.now += 30
    bar.advance(150)
    assert bar.line() == "training: 200/200 steps (100%), 5.00 steps/s, 0:40, loss 3.2"


def test_without_a_total_there_is_no_share(hands: Clock) -> None:
    bar = Progress("reading", stream=io.StringIO())
    hands.now += 2
    bar.advance(3_000)
    assert bar.line() == "reading: 3,000 notes, 1,500 notes/s, 0:02"


def test_nothing_done_and_nothing_to_do(hands: Clock) -> None:
    assert Progress("a", 5, stream=io.StringIO()).line().startswith("a: 0/5 notes (0%), 0.00 notes/s")
    assert Progress("a", 0, stream=io.StringIO()).line().startswith("a: 0/0 notes, ")


def test_what_was_done_before_does_not_enter_the_rate(hands: Clock) -> None:
    bar = Progress("training", 200, "steps", stream=io.StringIO())
    bar.resume_from(100)
    hands.now += 10
    bar.advance(50)
    assert bar.line() == "training: 150/200 steps (75%), 5.00 steps/s, 0:10 left"


def test_plain_lines_are_seldom_and_end_with_a_last_one(hands: Clock) -> None:
    stream = io.StringIO()
    with Progress("reading", 30, stream=stream) as bar:
        for _ in range(30):
            hands.now += 1
            bar.advance()
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "reading: 10/30 notes (33%)",
        "reading: 20/30 notes (67%)",
        "reading: 30/30 notes (100%)",
        "reading: 30/30 notes (100%)",
    ]


def test_a_terminal_gets_one_line_that_changes(hands: Clock) -> None:
    stream = Terminal()
    with Progress("reading", 3, stream=stream) as bar:
        for _ in range(3):
            hands.now += 1
            bar.advance()
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count("\r\x1b[K") == 4


def test_track_passes_items_on_and_closes_when_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track("abc", "counting", total=3)) == ["a", "b", "c"]
    assert "counting: 3/3 notes (100%)" in capsys.readouterr().err
    items = track("abc", "counting")
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert "counting: 0 notes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (75, "1:15"), (3700, "1:01:40"), (90_000, "25:00:00")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
