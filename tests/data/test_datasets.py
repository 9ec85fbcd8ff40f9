"""Where data sets are looked for, and what happens without them; nothing here needs a network."""

import hashlib
import os
from pathlib import Path

import pytest

from fastgrok.data import DatasetError, datasets, python_documentation, tiny_shakespeare


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty cache, and a proxy that nobody answers at."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("FASTGROK_DATA_DIR", raising=False)
    cache = tmp_path / "cache"
    monkeypatch.setattr(datasets, "cache_directory", lambda: cache)
    return cache


@pytest.fixture
def small_shakespeare(monkeypatch):
    """A stand-in for the text, under the checksum that is asked for."""
    content = b"First Citizen:\nBefore we proceed any further, hear me speak.\n"
    monkeypatch.setattr(datasets, "TINY_SHAKESPEARE_SHA256", hashlib.sha256(content).hexdigest())
    return content


def test_the_data_folder_is_looked_at_first(monkeypatch, tmp_path, offline, small_shakespeare):
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "tinyshakespeare/input.txt").write_bytes(small_shakespeare)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    assert tiny_shakespeare().encode() == small_shakespeare


@pytest.mark.parametrize("content", [b"", b"To be, or not to be", b"\xff\xfeT\x00o\x00"])
def test_another_text_in_the_data_folder_is_refused(monkeypatch, tmp_path, offline, content):
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "tinyshakespeare/input.txt").write_bytes(content)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="not the published text; delete it"):
        tiny_shakespeare()


def test_the_cache_is_looked_at_next(offline, small_shakespeare):
    (offline / "tinyshakespeare").mkdir(parents=True)
    (offline / "tinyshakespeare/input.txt").write_bytes(small_shakespeare)
    assert tiny_shakespeare().encode() == small_shakespeare


def test_a_download_is_verified_and_kept(monkeypatch, offline, small_shakespeare):
    pooch = pytest.importorskip("pooch")
    asked = []

    def deliver(url, output, pooch_object):
        asked.append(url)
        Path(output).write_bytes(b"an error page" if len(asked) == 1 else small_shakespeare)

    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: deliver)
    assert tiny_shakespeare().encode() == small_shakespeare, "the second address delivers"
    assert asked == list(datasets.TINY_SHAKESPEARE_URLS)
    assert tiny_shakespeare().encode() == small_shakespeare
    assert len(asked) == 2, "the second time it comes from the cache"


def test_a_download_works_without_a_place_for_it(monkeypatch, tmp_path, offline, small_shakespeare):
    pooch = pytest.importorskip("pooch")
    (tmp_path / "file").touch()
    monkeypatch.setattr(datasets, "cache_directory", lambda: tmp_path / "file" / "cache")
    monkeypatch.setattr(
        pooch, "HTTPDownloader", lambda **options: lambda url, output, p: Path(output).write_bytes(small_shakespeare)
    )
    assert tiny_shakespeare().encode() == small_shakespeare


def test_without_a_network_the_error_says_so(offline):
    with pytest.raises(DatasetError, match=r"^tinyshakespeare/input\.txt cannot be downloaded \(raw"):
        tiny_shakespeare()


def test_the_published_text_has_its_checksum():
    folder = os.environ.get("FASTGROK_DATA_DIR")
    if not folder or not (Path(folder) / datasets.TINY_SHAKESPEARE).exists():
        pytest.skip("FASTGROK_DATA_DIR has no tinyshakespeare/input.txt")
    assert len(tiny_shakespeare()) == 1_115_394


def test_python_brings_text_to_train_on():
    text = python_documentation()
    assert len(text) > 200_000
    assert "The following" in text


def test_docstrings_do_where_the_topics_are_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pydoc_data.topics", None)
    text = python_documentation()
    assert len(text) > 200_000
    assert text == python_documentation()
