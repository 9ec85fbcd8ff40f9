"""Texts that *Grokking Deep Learning* learns from: looked for locally, else downloaded, verified and cached.

Every loader looks in a folder first (`folder`, or the one that the environment variable FASTGROK_DATA_DIR names), then
in the user's cache, and downloads what neither has. Where that fails, `stand_in=True` gives a little made-up text of
the same form and says so in a line; otherwise the loader raises `DatasetError`, which says where to get the file.
"""

import hashlib
import os
import random
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import TypeVar

import numpy as np

from .datasets import DatasetError, fetch, say_what_stands_in

__all__ = ["babi_qa1", "book_shakespeare", "film_reviews", "word_analogies"]

Content = TypeVar("Content")
Folder = str | os.PathLike | None

_BOOK = "iamtrask/Grokking-Deep-Learning"
_BABI = "qa1_single-supporting-fact"
# Of every file: the repository on GitHub, the commit or branch, and the path there; the checksum decides.
FILES = {
    "shakespeare_book/shakespear.txt": (
        (_BOOK, "master", "shakespear.txt"),
        "c879e55c5e318b9d978064e246306e01d60be15a50f64d9438daeaeacbc119e8",
    ),
    f"babi_qa1/{_BABI}_train.txt": (
        (_BOOK, "a2bca3970033ba2da8c5da980cd0b165edece483", f"tasksv11/en/{_BABI}_train.txt"),
        "c64ba9b1a49bbb111ffc4cd2ae4f129d25c012399dd7ade9679eea464b9afb05",
    ),
    f"babi_qa1/{_BABI}_test.txt": (
        (_BOOK, "a2bca3970033ba2da8c5da980cd0b165edece483", f"tasksv11/en/{_BABI}_test.txt"),
        "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b",
    ),
    **{
        f"movie_review_polarity/rt-polarity.{part}": (
            (
                "dennybritz/cnn-text-classification-tf",
                "a0d0e9742b3dc42194955e78858f7be93027c75e",
                f"data/rt-polaritydata/rt-polarity.{part}",
            ),
            sha256,
        )
        for part, sha256 in (
            ("neg", "2d11cfbc790f1cd96d78339f41ce53ced1efa83cd22d37d6788fa3fe3d17e2fd"),
            ("pos", "4134882974a28d0c7b5151256f0e33a6169984ee7372c279e673f1114f475d58"),
        )
    },
    "word_analogies/questions-words.txt": (
        ("tmikolov/word2vec", "20c129af10659f7c50e86e3be406df663beff438", "questions-words.txt"),
        "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
    ),
}


def book_shakespeare(folder: Folder = None, stand_in: bool = False) -> str:
    """Return the 99,993 characters that chapter 14 of the book learns from, `shakespeare_book/shakespear.txt`.

    They look like plays of Shakespeare, and were written by a recurrent network that had read them (no licence is
    stated; for real Shakespeare see `tiny_shakespeare`).

    Parameters
    ----------
    folder : path, optional
        The folder to look in first; by default the one that FASTGROK_DATA_DIR names.
    stand_in : bool
        Whether to give three sonnets, and a line on stderr, where the text cannot be had.

    Raises
    ------
    DatasetError
        When it is not here, cannot be downloaded, and nothing may stand in.
    ValueError
        When the file in the folder has another content.
    """
    return _read(
        lambda: _text("shakespeare_book/shakespear.txt", folder),
        (lambda: _SONNETS) if stand_in else None,
        "three sonnets of Shakespeare",
    )


def babi_qa1(part: str = "train", folder: Folder = None, stand_in: bool = False) -> list[str]:
    """Return the lines of task 1 of bAbI, version 1.1 (Weston et al. 2015, CC BY 3.0), in `babi_qa1`.

    1,000 questions in each part, "train" and "test". Two lines tell where somebody went, `1 Mary moved to the
    bathroom.`; the third asks, and gives the answer and the number of the line that knows it, separated by tabs:
    `3 Where is Mary? \\tbathroom\\t1`. After five questions numbers begin at 1 again.

    Parameters and errors are those of `book_shakespeare`; the lines that stand in are made up by the same rules.
    """
    if part not in ("train", "test"):
        raise ValueError(f"babi_qa1: part={part!r}, expected train or test")
    return _read(
        lambda: _text(f"babi_qa1/{_BABI}_{part}.txt", folder).splitlines(),
        (lambda: _made_up_stories(seed=len(part))) if stand_in else None,
        "1,000 made-up stories",
    )


def film_reviews(folder: Folder = None, stand_in: bool = False) -> tuple[list[str], np.ndarray]:
    """Return 10,662 sentences of film reviews, and for each 1 where it praises or 0, (N,) int64.

    The first half blames, the second praises (B. Pang and L. Lee 2005, for research; in UTF-8 and without the blank
    at the end of a sentence). Words and punctuation are separated by blanks already, all letters are small.
    Files: `movie_review_polarity/rt-polarity.neg` and `.pos`.

    Parameters and errors are those of `book_shakespeare`; the sentences that stand in are made of a few words.
    """

    def real() -> tuple[list[str], np.ndarray]:
        blame, praise = (
            [line.strip() for line in _text(f"movie_review_polarity/rt-polarity.{part}", folder).split("\n") if line]
            for part in ("neg", "pos")
        )
        return blame + praise, np.repeat([0, 1], [len(blame), len(praise)])

    return _read(real, _made_up_reviews if stand_in else None, "made-up sentences")


def word_analogies(folder: Folder = None, stand_in: bool = False) -> dict[str, list[tuple[str, ...]]]:
    """Return word2vec's 19,544 questions "a is to b as c is to ...?" as `{section: [(a, b, c, answer), ...]}`.

    14 sections, such as "family" and "gram2-opposite" (Mikolov et al. 2013, Apache-2.0); names of places are
    capitalised. File: `word_analogies/questions-words.txt`.

    Parameters and errors are those of `book_shakespeare`; few pairs of words stand in.
    """

    def real() -> dict[str, list[tuple[str, ...]]]:
        sections: dict[str, list[tuple[str, ...]]] = {}
        for line in _text("word_analogies/questions-words.txt", folder).splitlines():
            if line.startswith(": "):
                questions = sections.setdefault(line[2:], [])
            else:
                questions.append(tuple(line.split()))
        return sections

    return _read(real, _few_analogies if stand_in else None, "a few pairs of words")


def _read(real: Callable[[], Content], instead: Callable[[], Content] | None, what: str) -> Content:
    """Return what `real` reads, or what stands in for it where that cannot be had."""
    try:
        return real()
    except DatasetError as error:
        if instead is None:
            raise
        say_what_stands_in(error, f"{what} stand in")
        return instead()


def _text(name: str, folder: Folder) -> str:
    """Return the file `name` from the folder, the cache or the network."""
    (repository, version, path), sha256 = FILES[name]
    folder = folder or os.environ.get("FASTGROK_DATA_DIR")
    if folder and (local := Path(folder) / name).exists():
        content = local.read_bytes()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError(
                f"{local} has another content than the published file (SHA-256 {sha256}); "
                "delete it, and it is downloaded"
            )
        return content.decode("utf-8")
    url = f"https://raw.githubusercontent.com/{repository}/{version}/{path}"
    mirror = f"https://cdn.jsdelivr.net/gh/{repository}@{version}/{path}"
    return fetch(Path(name), (url, mirror), sha256).decode("utf-8")


# ------------------------------------------------------------------------------------------------ what stands in


def _made_up_stories(seed: int) -> list[str]:
    """200 stories of five questions, by the rules of bAbI's task 1."""
    draw = random.Random(seed)
    people = ("Daniel", "John", "Mary", "Sandra")
    verbs = ("journeyed", "moved", "travelled", "went", "went back")
    places = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
    lines = []
    for _ in range(200):
        seen: dict[str, tuple[str, int]] = {}
        for number in range(1, 16):
            if number % 3:
                person, place = draw.choice(people), draw.choice(places)
                seen[person] = place, number
                lines.append(f"{number} {person} {draw.choice(verbs)} to the {place}.")
            else:
                person = draw.choice(sorted(seen))
                place, told = seen[person]
                lines.append(f"{number} Where is {person}? \t{place}\t{told}")
    return lines


def _made_up_reviews() -> tuple[list[str], np.ndarray]:
    """500 sentences that blame, and 500 that praise; a third of their words says which."""
    draw = random.Random(0)
    subjects = ("the plot", "the acting", "this film", "the script", "the story", "the camera", "the comedy")
    words = (
        ("dull", "boring", "terrible", "weak", "stale", "tedious", "bad", "awful", "lifeless", "clumsy", "flat"),
        ("moving", "wonderful", "funny", "fresh", "beautiful", "good", "honest", "great", "charming", "rich", "warm"),
    )
    sentences = [
        f"{draw.choice(subjects)} is {draw.choice(words[label])} and {draw.choice(words[label])} , "
        f"but {draw.choice(subjects)} is {draw.choice(words[draw.random() < 0.2 + 0.6 * label])} ."
        for label in (0, 1)
        for _ in range(500)
    ]
    return sentences, np.repeat([0, 1], 500)


def _few_analogies() -> dict[str, list[tuple[str, ...]]]:
    """All questions that can be asked with a few pairs."""
    sections = {
        "family": "boy girl brother sister father mother he she his her king queen man woman son daughter",
        "gram2-opposite": "certain uncertain comfortable uncomfortable honest dishonest pleasant unpleasant",
        "gram3-comparative": "bad worse big bigger good better great greater large larger old older small smaller",
        "gram8-plural": "child children dream dreams eye eyes hand hands man men woman women",
    }
    questions: dict[str, list[tuple[str, ...]]] = {}
    for section, text in sections.items():
        words = text.split()
        pairs = list(zip(words[::2], words[1::2], strict=True))
        questions[section] = [(*one, *other) for one, other in permutations(pairs, 2)]
    return questions


_SONNETS = """\
Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe or eyes can see,
So long lives this, and this gives life to thee.

Let me not to the marriage of true minds
Admit impediments. Love is not love
Which alters when it alteration finds,
Or bends with the remover to remove:
O, no! it is an ever-fixed mark,
That looks on tempests and is never shaken;
It is the star to every wandering bark,
Whose worth's unknown, although his height be taken.
Love's not Time's fool, though rosy lips and cheeks
Within his bending sickle's compass come;
Love alters not with his brief hours and weeks,
But bears it out even to the edge of doom.
If this be error and upon me proved,
I never writ, nor no man ever loved.

My mistress' eyes are nothing like the sun;
Coral is far more red than her lips' red;
If snow be white, why then her breasts are dun;
If hairs be wires, black wires grow on her head.
I have seen roses damask'd, red and white,
But no such roses see I in her cheeks;
And in some perfumes is there more delight
Than in the breath that from my mistress reeks.
I love to hear her speak, yet well I know
That music hath a far more pleasing sound;
I grant I never saw a goddess go;
My mistress, when she walks, treads on the ground:
And yet, by heaven, I think my love as rare
As any she belied with false compare.
"""
