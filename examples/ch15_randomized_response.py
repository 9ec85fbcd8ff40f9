"""Chapter 15: ask people something they would rather not answer, and learn the share without learning who.

Learnt here: everyone tosses a coin. Heads: they tell the truth. Tails: they toss again, and say yes for heads, no for
tails. Any single yes may be the coin's, yet the coins' part of all answers is known: of everybody, a quarter says yes
because of them. So share = 2 * (yes - 1/4), and its error shrinks with the square root of the number of people.

How much an answer can betray has a measure: a person with the secret says yes three times as often (3/4) as one without
(1/4), so the answer is differentially private with epsilon = log(3) = 1.1, and so is all that is learnt from it. The
epsilons of several answers add up; and who answers one question often, each time with new coins, gives the secret away.

The secret here: does the text message you got last contain the word ...?
"""

import argparse

import numpy as np
from federation import words

from fastgrok.data import sms_spam


def answer(truth: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return what people say, each with two coins of their own."""
    honest = generator.random(truth.shape) < 0.5
    second = generator.random(truth.shape) < 0.5
    return np.where(honest, truth, second)


def estimate(answers: np.ndarray) -> float:
    """Take the coins' part out of the share of people who said yes."""
    return 2 * (answers.mean() - 0.25)


def main() -> None:
    """Estimate shares of words, then watch the error shrink."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", nargs="+", default=["call", "you", "love", "free"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="FILE", help="draw the errors of many surveys")
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)

    messages = [set(words(text)) for text in sms_spam()[0]]
    print(f"{len(messages)} people are asked; said yes -> estimated share, true share")
    answers = {}
    for word in options.words:
        truth = np.array([word in message for message in messages])
        answers[word] = truth, answer(truth, generator)
        said = answers[word][1]
        print(f"{word:>6}: {said.mean():.3f} -> {estimate(said):.3f}, {truth.mean():.3f}")
    print(f"a person's epsilon: {np.log(3):.2f} for one answer, {len(answers) * np.log(3):.2f} for {len(answers)}")

    word, (truth, said) = next(iter(answers.items()))
    print(f"\nof those who said yes about {word!r}, {truth[said].mean():.0%} got it: a yes proves little")
    often = answer(np.repeat(truth[:, None], 50, axis=1), generator)
    print(f"asked 50 times, {np.mean((often.mean(axis=1) > 0.5) == truth):.0%} of the people are found out")

    print("\npeople   usual error   1 / sqrt(people)")
    errors = {}
    for people in (10, 100, 1000, 10_000):
        share = truth.mean()
        surveys = [generator.random(people) < share for _ in range(300)]
        errors[people] = np.array([estimate(answer(survey, generator)) - share for survey in surveys])
        print(f"{people:6d}   {errors[people].std():11.4f}   {people**-0.5:16.4f}")
    if options.plot:
        draw(errors, options.plot)


def draw(errors: dict, file: str) -> None:
    """Draw the error of each survey over the number of people asked."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for people, of_surveys in errors.items():
        jitter = np.random.default_rng(0).uniform(0.8, 1.25, len(of_surveys))
        axes.scatter(people * jitter, of_surveys, s=8, alpha=0.35, color="tab:blue", linewidths=0)
    people = np.geomspace(7, 14_000)
    axes.fill_between(people, -2 / np.sqrt(people), 2 / np.sqrt(people), alpha=0.12, label="$\\pm 2\\,/\\sqrt{people}$")
    axes.axhline(0, color="black", lw=0.8)
    axes.set(
        xscale="log", xlabel="people asked", ylabel="estimated share - true share", title="300 surveys of each size"
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
