"""The book's texts: found locally, verified, downloaded, or replaced; nothing here needs a network."""

import hashlib
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fastgrok.data import DatasetError, babi_qa1, book_shakespeare, corpora, film_reviews, word_analogies

LOADERS = [book_shakespeare, babi_qa1, film_reviews, word_analogies]


@pytest.fixture
def offline(monkeypatch):
    """No folder of data, no cache and no network."""

    def fetch(name, urls, sha256):
        raise DatasetError(f"{name} cannot be downloaded (nowhere: no network)")

    monkeypatch.setattr(corpora, "fetch", fetch)
    monkeypatch.delenv("FASTGROK_DATA_DIR", raising=False)


@pytest.fixture
def small(monkeypatch):
    """Contents of the files, under the checksums that are asked for."""
    contents = {
        "shakespeare_book/shakespear.txt": b"Before we proceed\r\nany further,\n",
        "babi_qa1/qa1_single-supporting-fact_train.txt": b"1 Mary moved.\n2 Where is Mary? \thall\t1\n",
        "babi_qa1/qa1_single-supporting-fact_test.txt": b"1 John moved.\n",
        "movie_review_polarity/rt-polarity.neg": "dull . \nna\u00efve \u0085 fluff . \n".encode(),
        "movie_review_polarity/rt-polarity.pos": b"good . \n",
        "word_analogies/questions-words.txt": b": family\nboy girl man woman\nman woman boy girl\n: gram\na b c d\n",
    }
    assert set(contents) == set(corpora.FILES)
    files = {name: (corpora.FILES[name][0], hashlib.sha256(content).hexdigest()) for name, content in contents.items()}
    monkeypatch.setattr(corpora, "FILES", files)
    return contents


def write(contents, folder):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("named", ["argument", "environment"])
def test_files_in_a_folder_are_read(monkeypatch, tmp_path, offline, small, named):
    write(small, tmp_path)
    folder = tmp_path if named == "argument" else None
    if named == "environment":
        monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    assert book_shakespeare(folder) == "Before we proceed\r\nany further,\n"
    assert babi_qa1(folder=folder) == ["1 Mary moved.", "2 Where is Mary? \thall\t1"]
    assert babi_qa1("test", folder) == ["1 John moved."]
    texts, praise = film_reviews(folder)
    assert texts == ["dull .", "na\u00efve \u0085 fluff .", "good ."]
    np.testing.assert_array_equal(praise, [0, 0, 1])
    questions = [("boy", "girl", "man", "woman"), ("man", "woman", "boy", "girl")]
    assert word_analogies(folder) == {"family": questions, "gram": [("a", "b", "c", "d")]}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("stand_in", [False, True])
def test_another_content_is_refused(tmp_path, offline, small, loader, stand_in):
    write(dict.fromkeys(small, b"something else"), tmp_path)
    with pytest.raises(ValueError, match=r"another content than the published file \(SHA-256 [0-9a-f]{64}\); delete"):
        loader(folder=tmp_path, stand_in=stand_in)


def test_what_no_folder_has_is_fetched_by_its_checksum(monkeypatch, tmp_path, small):
    asked = []

    def fetch(name, urls, sha256):
        asked.append(urls)
        assert hashlib.sha256(small[name.as_posix()]).hexdigest() == sha256
        return small[name.as_posix()]

    monkeypatch.setattr(corpora, "fetch", fetch)
    assert babi_qa1("test", folder=tmp_path) == ["1 John moved."]
    assert len(film_reviews(tmp_path)[0]) == 3
    assert len(asked) == 3
    assert all(url.startswith("https://") and url.endswith(".txt") for url in asked[0])


@pytest.mark.parametrize("loader", LOADERS)
def test_without_a_network_there_is_an_error(offline, loader):
    with pytest.raises(DatasetError, match="cannot be downloaded"):
        loader()


@pytest.mark.parametrize("loader", LOADERS)
def test_what_stands_in_says_so_in_a_line(offline, capsys, loader):
    one, other = loader(stand_in=True), loader(stand_in=True)
    np.testing.assert_equal(one, other)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith("fastgrok: ") and line.endswith(" stand in") for line in said)


def test_the_stories_that_stand_in_are_true(offline):
    lines = babi_qa1(stand_in=True)
    assert lines != babi_qa1("test", stand_in=True)
    questions = 0
    for line in lines:
        number, sentence = line.split(" ", 1)
        if number == "1":
            where = {}
        if "?" in sentence:
            question, place, told = sentence.split("\t")
            assert where[question.split()[2].removesuffix("?")] == (place, told)
            questions += 1
        else:
            where[sentence.split()[0]] = sentence.split()[-1].removesuffix("."), number
    assert questions == 1000


def test_the_reviews_that_stand_in_can_be_told_apart(offline):
    texts, praise = film_reviews(stand_in=True)
    assert len(texts) == len(praise) == 1000
    assert praise.sum() == 500
    blame, good = (Counter(w for t, p in zip(texts, praise, strict=True) if p == k for w in t.split()) for k in (0, 1))
    assert blame["dull"] > 2 * good["dull"]
    assert good["warm"] > 2 * blame["warm"]


def test_an_unknown_part_is_refused():
    with pytest.raises(ValueError, match="part='valid', expected train or test"):
        babi_qa1("valid")


def test_the_published_files():
    folder = os.environ.get("FASTGROK_DATA_DIR")
    missing = [name for name in corpora.FILES if not folder or not (Path(folder) / name).exists()]
    if missing:
        pytest.skip(f"FASTGROK_DATA_DIR has no {missing[0]}")
    assert len(book_shakespeare()) == 99_993
    assert len(set(book_shakespeare())) == 62
    for part in ("train", "test"):
        lines = babi_qa1(part)
        assert len(lines) == 3000
        assert sum("?" in line for line in lines) == 1000
    texts, praise = film_reviews()
    assert len(texts) == len(praise) == 2 * praise.sum() == 10_662
    assert texts[0] == "simplistic , silly and tedious ."
    sections = word_analogies()
    assert len(sections) == 14
    assert sum(map(len, sections.values())) == 19_544
    assert {len(question) for questions in sections.values() for question in questions} == {4}
