"""Downloads of the data sets, from a server of this machine: what arrives, what does not, and what is kept."""

import gzip
import hashlib
import http.server
import io
import json
import threading

import numpy as np
import pytest

from fastgrok.data import datasets as fetching
from fastgrok.data import images
from fastgrok.data.datasets import DatasetError
from fastgrok.keras.datasets import fashion_mnist, imdb, mnist

pytest.importorskip("pooch")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.server.breaks_off else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server with `files` by path, which notes what was `asked` for, in place of the network; an empty cache."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(fetching, "cache_directory", lambda: tmp_path / "cache")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.asked, server.breaks_off = {}, [], False
        server.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(imdb, "_FOLDER", server.url)
        yield server
        server.shutdown()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def reviews():
    """Return a file in the form of imdb.npz: six reviews and four."""
    rng = np.random.default_rng(0)
    parts = {}
    for part, count in (("train", 6), ("test", 4)):
        lists = [[int(word) for word in rng.integers(1, 30, rng.integers(2, 9))] for _ in range(count)]
        parts[f"x_{part}"] = np.array([*lists, None], dtype=object)[:-1]
        parts[f"y_{part}"] = rng.integers(0, 2, count)
    file = io.BytesIO()
    np.savez(file, **parts)
    return file.getvalue()


@pytest.fixture
def published(server, monkeypatch):
    """The reviews, served under their checksum."""
    content = reviews()
    server.files["/imdb.npz"] = content
    monkeypatch.setitem(imdb._CHECKSUMS, "imdb.npz", sha256(content))
    return content


def test_reviews_are_downloaded_once(server, published):
    (x, y), (x_test, y_test) = imdb.load_data()
    assert (len(x), len(y), len(x_test), len(y_test)) == (6, 6, 4, 4)
    assert all(review[0] == 1 for review in x)
    again = imdb.load_data()
    assert [list(review) for review in again[0][0]] == [list(review) for review in x]
    assert server.asked == ["/imdb.npz"]


def test_a_damaged_copy_is_fetched_again(server, published, tmp_path):
    imdb.load_data()
    (kept,) = (tmp_path / "cache" / "imdb").iterdir()
    kept.write_bytes(b"damaged")
    imdb.load_data()
    assert kept.read_bytes() == published
    assert len(server.asked) == 2


def test_another_content_is_refused_and_not_kept(server, published, tmp_path):
    server.files["/imdb.npz"] = b"<html>please log in</html>"
    with pytest.raises(DatasetError, match=r"delivers another file\); get http.*FASTGROK_DATA_DIR"):
        imdb.load_data()
    assert not list((tmp_path / "cache").rglob("imdb.npz"))
    server.files["/imdb.npz"] = published
    imdb.load_data()


def test_a_connection_that_breaks_off_leaves_nothing(server, published, tmp_path):
    server.breaks_off = True
    with pytest.raises(DatasetError, match="cannot be downloaded"):
        imdb.load_data()
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    server.breaks_off = False
    imdb.load_data()


def test_a_file_that_is_not_there(server):
    with pytest.raises(DatasetError, match=r"127\.0\.0\.1:\d+: answers \d+\); get http"):
        imdb.load_data()


def test_nobody_answers(server, published, monkeypatch):
    server.shutdown()
    server.server_close()
    with pytest.raises(DatasetError, match=r"ConnectionError\); get http"):
        imdb.load_data()
    with pytest.raises(DatasetError, match=r"imdb_word_index\.json cannot be downloaded"):
        imdb.get_word_index()


def test_the_words_of_a_review_are_known(server, monkeypatch):
    content = json.dumps({"the": 1, "film": 2, "éclair": 3}).encode()
    server.files["/imdb_word_index.json"] = content
    with pytest.raises(DatasetError, match="delivers another file"):
        imdb.get_word_index()  # not what Keras published
    checksum = "md5:" + hashlib.md5(content).hexdigest()
    monkeypatch.setitem(imdb._CHECKSUMS, "imdb_word_index.json", checksum)
    assert imdb.get_word_index() == {"the": 1, "film": 2, "éclair": 3}
    assert imdb.get_word_index()["film"] == 2
    assert len(server.asked) == 2


def test_another_file_in_the_data_folder_is_refused(server, monkeypatch, tmp_path):
    (tmp_path / "mine" / "imdb").mkdir(parents=True)
    (tmp_path / "mine" / "imdb" / "imdb.npz").write_bytes(b"mine")
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path / "mine"))
    with pytest.raises(ValueError, match="is not Keras' file"):
        imdb.load_data()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_images_are_downloaded_once(server, monkeypatch, name):
    counts = {"train": 5, "t10k": 3}
    checksums, rng = {}, np.random.default_rng(0)
    for part, count in counts.items():
        for kind, shape in (("images-idx3", (count, 28, 28)), ("labels-idx1", (count,))):
            header = bytes((0, 0, 8, len(shape))) + b"".join(size.to_bytes(4, "big") for size in shape)
            content = header + rng.integers(0, 10, shape).astype(np.uint8).tobytes()
            packed = gzip.compress(content, mtime=0)
            checksums[f"{part}-{kind}-ubyte"] = sha256(packed), sha256(content)
            server.files[f"/{part}-{kind}-ubyte.gz"] = packed
    monkeypatch.setattr(images, "_COUNTS", counts)
    tables, urls = ("_MNIST", "_MNIST_URLS") if name == "mnist" else ("_FASHION", "_FASHION_URLS")
    monkeypatch.setattr(images, tables, checksums)
    monkeypatch.setattr(images, urls, (server.url + "away/", server.url))  # the first mirror has nothing
    load = {"mnist": mnist, "fashion_mnist": fashion_mnist}[name].load_data
    (x, y), (x_test, y_test) = load()
    assert x.shape == (5, 28, 28)
    assert (x.dtype, y.dtype, x_test.shape, y_test.shape) == (np.uint8, np.uint8, (3, 28, 28), (3,))
    assert len(server.asked) == 8
    np.testing.assert_array_equal(load()[0][0], x)
    assert len(server.asked) == 8
    server.files["/train-images-idx3-ubyte.gz"] = gzip.compress(b"others", mtime=0)
    for path in (fetching.cache_directory() / name).iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=r"404; .*delivers another.*FASTGROK_DATA_DIR.*all four files are needed"):
        load()


@pytest.mark.keras
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"num_words": 12},
        {"num_words": 12, "oov_char": None, "skip_top": 3},
        {"maxlen": 6, "seed": 1},
        {"start_char": None, "index_from": 0},
        {"start_char": None, "index_from": 2, "oov_char": 7, "skip_top": 4},
    ],
)
def test_reviews_are_those_of_keras(server, published, monkeypatch, tmp_path, settings):
    theirs = pytest.importorskip("keras.src.datasets.imdb")
    (tmp_path / "keras.npz").write_bytes(published)
    monkeypatch.setattr(theirs, "get_file", lambda **_: str(tmp_path / "keras.npz"))
    for (x, y), (expected_x, expected_y) in zip(imdb.load_data(**settings), theirs.load_data(**settings), strict=True):
        assert [list(review) for review in x] == [list(review) for review in expected_x]
        np.testing.assert_array_equal(y, expected_y)
