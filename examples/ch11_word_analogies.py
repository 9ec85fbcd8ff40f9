"""Chapter 11: "boy is to girl as man is to ...?", answered with vectors, and scored on word2vec's questions.

What turns boy into girl should also turn man into woman, so the answer is the word with the direction most like
girl - boy + man. The vectors are learnt by filling in blanks (see `ch11_fill_in_the_blank.py`) from film reviews and
Shakespeare: 400,000 words, where word2vec read a hundred billion, and so most answers are wrong. They are right
far more often than by chance all the same.

The book multiplies its vectors by their squared lengths where it means to divide by the lengths, so that frequent
words with long vectors win; and it drops the best answer where it means to leave out the question's own words.
`WordVectors.analogy` compares directions alone, and leaves out the three words of the question.
"""

import argparse
import re
import sys

import numpy as np
from ch11_fill_in_the_blank import learn

import fastgrok
from fastgrok.data import DatasetError, WordVectors, film_reviews, tiny_shakespeare, word_analogies

# The sections of which this little text teaches something.
SHOWN = ("family", "gram3-comparative", "gram8-plural", "gram9-plural-verbs")


def sentences():
    """Return the words of all film reviews and of all lines of Shakespeare."""
    texts = film_reviews(stand_in=True)[0]
    try:
        texts = texts + tiny_shakespeare().lower().split("\n")
    except DatasetError as error:
        print(f"fastgrok: {error}; the reviews alone must do", file=sys.stderr)
    return [re.findall(r"[\w']+", text) for text in texts]


def draw(vectors, pairs, path):
    """Draw pairs as arrows: to the right goes what the second words have in common, up what words differ most in."""
    import matplotlib.pyplot as plt

    table = np.array([[vectors[word] / np.sqrt((vectors[word] ** 2).sum()) for word in pair] for pair in pairs])
    right = (table[:, 1] - table[:, 0]).mean(0)
    right /= np.sqrt((right**2).sum())
    x = table @ right
    rest = (table - x[..., None] * right).reshape(2 * len(pairs), -1)
    up = np.linalg.svd(rest - rest.mean(0), full_matrices=False)[2][0]
    figure, axes = plt.subplots(figsize=(9, 9))
    for pair, xs, ys in zip(pairs, x, table @ up, strict=True):
        axes.annotate("", (xs[1], ys[1]), (xs[0], ys[0]), arrowprops={"arrowstyle": "->", "color": "tab:gray"})
        axes.text(xs[0], ys[0], pair[0], color="tab:blue", ha="right", va="center")
        axes.text(xs[1], ys[1], pair[1], color="tab:red", ha="left", va="center")
    axes.set_xlabel("the direction in which the arrows go on average")
    axes.set_ylabel("the direction in which the words differ most besides")
    axes.margins(0.12)
    axes.update_datalim(np.column_stack([x.ravel(), (table @ up).ravel()]))
    axes.autoscale_view()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    """Learn the vectors and score them, section by section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--plot", metavar="FILE", help="draw pairs of words as arrows")
    options = parser.parse_args()
    fastgrok.manual_seed(1)
    model, words, _ = learn(sentences(), width=100, window=3, epochs=options.epochs)
    vectors = WordVectors(words, model.around.weight[: len(words)])
    for a, b, c in (("father", "mother", "husband"), ("bad", "worse", "big")):
        if not all(word in vectors for word in (a, b, c)):
            continue  # the text that stands in knows few words
        answers = (f"{word} {cosine:.2f}" for word, cosine in vectors.analogy(a, b, c, 2))
        print(f"{a} is to {b} as {c} is to", ", ".join(answers))
    print(f"\nright among {len(words):,} words:")
    right = asked = 0
    sections = word_analogies(stand_in=True)
    for section, questions in sections.items():
        some, of = vectors.score([tuple(word.lower() for word in question) for question in questions])
        right, asked = right + some, asked + of
        if section in SHOWN and of:
            print(f"{section:25} {some / of:6.1%} of {of:3}")
    print(f"{'all':25} {right / max(asked, 1):6.1%} of {asked}; by chance {1 / len(words):.2%}")
    if options.plot:
        family = {question[:2] for question in sections["family"]}
        known = sorted(pair for pair in family if all(word in vectors for word in pair))
        if known:
            draw(vectors, known, options.plot)
        else:
            print("nothing to draw: the text has no pair of the section family", file=sys.stderr)


if __name__ == "__main__":
    main()
