"""Chapter 2, supervised learning: turn what is known into what one wants to know, with knobs or by counting.

What is learnt here: a *parametric* model has a fixed number of knobs, which trial and error turns (predict, compare,
learn); a *nonparametric* one has as many as the data asks for, and here it only counts. The first is small and guesses
about what it never saw; the second remembers what it saw and knows nothing else.
"""

import argparse
from collections import Counter, defaultdict

# Home games: the team, its usual share of wins, rain (1) or not (0), and whether it won.
GAMES = [
    ("Red Sox", 0.9, 0, 1), ("Red Sox", 0.9, 1, 1), ("Yankees", 0.6, 0, 1), ("Yankees", 0.6, 1, 0),
    ("Cubs", 0.3, 0, 0), ("Cubs", 0.3, 1, 0), ("Red Sox", 0.9, 0, 1), ("Yankees", 0.6, 0, 1),
    ("Mets", 0.5, 0, 1), ("Mets", 0.5, 1, 0), ("Cubs", 0.3, 0, 0), ("Red Sox", 0.9, 1, 1),
]  # fmt: skip


class Knobs:
    """Parametric: two knobs, however many games there are. The prediction is share * knob + rain * knob."""

    def __init__(self):
        self.knobs = [0.0, 0.0]

    def predict(self, share, rain):
        """Return a number near 1 for a win, near 0 for a loss."""
        return share * self.knobs[0] + rain * self.knobs[1]

    def learn(self, share, rain, won):
        """Predict, compare, and turn each knob a little to the side that would have been better."""
        miss = self.predict(share, rain) - won
        self.knobs[0] -= 0.1 * miss * share
        self.knobs[1] -= 0.1 * miss * rain


class Counts:
    """Nonparametric: a count of wins and losses for each combination that came up; a new one adds new knobs."""

    def __init__(self):
        self.seen = defaultdict(Counter)

    def predict(self, team, rain):
        """Return the share of wins among what was seen, or None for what never was."""
        counts = self.seen.get((team, rain))
        return counts[1] / counts.total() if counts else None

    def learn(self, team, rain, won):
        """Count one more."""
        self.seen[team, rain][won] += 1

    def size(self):
        """Return how many numbers it keeps."""
        return sum(len(counts) for counts in self.seen.values())


def main():
    """Teach the same games to both."""
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    knobs, counts = Knobs(), Counts()
    for _ in range(200):
        for _, share, rain, won in GAMES:
            knobs.learn(share, rain, won)

    print("games seen   numbers kept by knobs   by counting")
    for n, (team, _, rain, won) in enumerate(GAMES, 1):
        counts.learn(team, rain, won)
        if n % 4 == 0:
            print(f"{n:10}   {len(knobs.knobs):21}   {counts.size():11}")

    print(f"\nThe knobs: {knobs.knobs[0]:.2f} for the usual share of wins, {knobs.knobs[1]:.2f} for rain.")
    print("\nChance that the home team wins     knobs   counting")
    for team, share, rain in (("Red Sox", 0.9, 1), ("Yankees", 0.6, 0), ("Yankees", 0.6, 1), ("Tigers", 0.8, 0)):
        counted = counts.predict(team, rain)
        shown = "never seen" if counted is None else f"{counted:.2f}"
        print(f"  {team + (' in rain' if rain else ' in the dry'):30}  {knobs.predict(share, rain):5.2f}   {shown}")

    print("The knobs have an answer for a team that they never saw, but nothing told them that a chance ends at 1.")

    right = sum((knobs.predict(share, rain) > 0.5) == won for _, share, rain, won in GAMES)
    known = sum((counts.predict(team, rain) > 0.5) == won for team, _, rain, won in GAMES)
    print(f"\nGames that were learnt and are predicted rightly: knobs {right} of {len(GAMES)}, counting {known}.")


if __name__ == "__main__":
    main()
