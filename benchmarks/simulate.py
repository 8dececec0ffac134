"""Speed of the simulated hospital: notes a second on one core, and how it grows from 1,000 to 10,000 notes.

Run: python benchmarks/simulate.py [--notes 10000]
"""

from __future__ import annotations

import argparse
import time
import tracemalloc

from clinsynth.simulate import simulate_notes

TARGET_NOTES_PER_SECOND = 200


def main() -> None:
    """Prints wall-clock and processor time; the latter is what a quiet core would give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    next(simulate_notes(1, options.seed))  # reads the table and the name lists

    rates = {}
    for notes in (options.notes // 10, options.notes):
        characters = 0
        wall, processor = time.perf_counter(), time.process_time()
        for note in simulate_notes(notes, options.seed):
            characters += len(note.text)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        rates[notes] = notes / processor
        print(
            f"{notes:,} notes, {characters / notes:,.0f} characters each: {notes / wall:,.0f} notes/s, "
            f"{notes / processor:,.0f} notes/s of one core"
        )
    small, large = rates.values()
    print(
        f"ratio to the target of {TARGET_NOTES_PER_SECOND} notes/s: {large / TARGET_NOTES_PER_SECOND:.1f}"
    )
    print(f"growth: ten times the notes take {10 * small / large:.2f} times as long (10 is linear)")
    tracemalloc.start()
    for _ in simulate_notes(options.notes // 10, options.seed, 50_000):
        pass
    print(f"memory while streaming: {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB at its peak")


if __name__ == "__main__":
    main()
