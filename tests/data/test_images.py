"""Images by name: where they are looked for, what is refused, and what stands in; nothing here needs a network."""

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from fastgrok.data import DatasetError, datasets, digits, fashion_mnist, images, mnist
from fastgrok.data.drawn import drawn_digits

N = 20
IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty cache, an empty data folder (returned), and a proxy that nobody answers at."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(datasets, "cache_directory", lambda: tmp_path / "cache")
    return tmp_path / "data"


@pytest.fixture
def files(monkeypatch):
    """A data set of 20 images in IDX form, under the checksums that are asked for; with the images and labels."""
    pixels = np.random.default_rng(0).integers(0, 256, (N, 28, 28)).astype(np.uint8)
    labels = (np.arange(N) % 10).astype(np.uint8)
    content = {
        IMAGES: b"\0\0\x08\x03" + np.array([N, 28, 28], ">u4").tobytes() + pixels.tobytes(),
        LABELS: b"\0\0\x08\x01" + np.array([N], ">u4").tobytes() + labels.tobytes(),
    }
    sums = {name: (_sha(gzip.compress(data, mtime=0)), _sha(data)) for name, data in content.items()}
    monkeypatch.setattr(images, "_COUNTS", {"train": 60_000, "t10k": N})
    monkeypatch.setattr(images, "_MNIST", sums)
    monkeypatch.setattr(images, "_FASHION", sums)
    return content, pixels, labels


def _sha(content):
    return hashlib.sha256(content).hexdigest()


def put(folder, content, pack=lambda data: data, end=""):
    folder.mkdir(parents=True)
    for name, data in content.items():
        (folder / f"{name}{end}").write_bytes(pack(data))


@pytest.mark.parametrize("folder", ["mnist", "mnist_t10k"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_data_folder_is_looked_at_first(offline, files, folder, packed):
    content, pixels, labels = files
    put(offline / folder, content, *([lambda data: gzip.compress(data, 1), ".gz"] if packed else []))
    got = mnist(train=False)
    assert got[0].dtype == np.uint8 and got[1].dtype == np.int64 and got[0].flags.writeable
    assert np.array_equal(got[0], pixels) and np.array_equal(got[1], labels)


def test_fashion_has_a_folder_of_its_own(offline, files):
    put(offline / "mnist_t10k", files[0])
    with pytest.raises(DatasetError, match="fashion_mnist"):
        fashion_mnist(train=False)
    put(offline / "fashion_mnist", files[0])
    assert np.array_equal(fashion_mnist(train=False)[0], files[1])


def test_a_download_is_verified_unpacked_and_kept(monkeypatch, offline, files):
    pooch = pytest.importorskip("pooch")
    asked = []

    def deliver(url, output, pooch_object):
        asked.append(url)
        packed = gzip.compress(files[0][url.rpartition("/")[2].removesuffix(".gz")], mtime=0)
        Path(output).write_bytes(b"an error page" if len(asked) == 1 else packed)

    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: deliver)
    for _ in range(2):
        assert np.array_equal(mnist(train=False)[0], files[1])
    assert [url.split("/")[2] for url in asked] == [
        "storage.googleapis.com",  # delivers an error page
        "ossci-datasets.s3.amazonaws.com",
        "storage.googleapis.com",  # the labels
    ]


def test_without_a_network_the_error_says_so(offline):
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte\.gz cannot be downloaded \(storage"):
        mnist()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], r"has \d+ bytes, expected"),
        (lambda data: data + b"\0", "has more bytes, expected"),
        (lambda data: b"\0\0\x0d" + data[3:], "starts with 00000d"),
        (lambda data: b"", "starts with , expected 0000080"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "not the published file"),
        (lambda data: gzip.compress(data)[:-9], "is damaged"),
        (lambda data: b"\x1f\x8b" + data, "is damaged"),
        (lambda data: gzip.compress(data + bytes(10_000_000)), "has more bytes, expected"),
    ],
)
def test_another_file_is_refused(offline, files, damage, message):
    put(offline / "mnist", files[0], damage)
    with pytest.raises(ValueError, match=message) as caught:
        mnist(train=False)
    assert str(offline) in str(caught.value), "the file is named"


def test_digits_keep_every_tenth_for_the_test(offline, files, capsys):
    content, pixels, labels = files
    put(offline / "mnist", content)
    train, train_labels, test, test_labels = digits()
    assert np.array_equal(test, pixels[9::10]) and np.array_equal(test_labels, labels[9::10])
    assert len(train) == len(train_labels) == 18
    assert sorted(map(bytes, [*train, *test])) == sorted(map(bytes, pixels))
    assert capsys.readouterr().err == ""


def test_drawn_digits_stand_in_and_one_line_says_so(monkeypatch, offline, capsys):
    monkeypatch.setattr(images, "_COUNTS", {"train": 60_000, "t10k": 50})
    train, train_labels, test, test_labels = digits()
    assert train.shape == (45, 28, 28) and test.shape == (5, 28, 28) and train.dtype == np.uint8
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "drawn by a program" in error and "cannot be downloaded" in error


def test_drawn_digits_repeat_and_can_be_told_apart():
    pixels, labels = drawn_digits(1000)
    assert pixels.shape == (1000, 28, 28) and pixels.dtype == np.uint8 and labels.dtype == np.int64
    assert np.array_equal(pixels, drawn_digits(1000)[0])
    assert not np.array_equal(pixels[:10], drawn_digits(10, seed=1)[0])
    assert pixels.max() == 255 and 0.03 < (pixels > 127).mean() < 0.3
    flat = pixels.reshape(1000, -1) / 255
    distances = (flat[800:, None] - flat[None, :800]).__pow__(2).sum(-1)
    nearest = labels[:800][distances.argmin(1)]
    assert (nearest == labels[800:]).mean() > 0.9


def test_the_published_digits_have_their_checksum(capsys):
    folder = os.environ.get("FASTGROK_DATA_DIR")
    if not folder or not any((Path(folder) / name).exists() for name in ("mnist", "mnist_t10k")):
        pytest.skip("FASTGROK_DATA_DIR has no MNIST")
    train, train_labels, test, test_labels = digits()
    assert capsys.readouterr().err == ""
    assert train.shape == (9000, 28, 28) and test.shape == (1000, 28, 28)
    assert np.bincount(test_labels).tolist() == [92, 132, 114, 83, 100, 80, 94, 91, 117, 97]
