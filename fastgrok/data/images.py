"""Small grey images by name: MNIST and Fashion-MNIST, in the IDX files that their authors published.

Letters of shapes: N images.
"""

import gzip
import hashlib
import io
import math
import os
import zlib
from pathlib import Path

import numpy as np

from .datasets import DatasetError, fetch, say_what_stands_in
from .drawn import drawn_digits

__all__ = ["digits", "fashion_mnist", "mnist"]

_SIDE = 28
_REMEDY = "delete it, and it is downloaded"
_COUNTS = {"train": 60_000, "t10k": 10_000}
_MNIST_URLS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_FASHION_URLS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
# SHA-256 of the archive that the mirrors deliver, and of what is in it. Archives packed anew differ in the first only.
_MNIST = {
    "train-images-idx3-ubyte": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
_FASHION = {
    "train-images-idx3-ubyte": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    "train-labels-idx1-ubyte": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    "t10k-images-idx3-ubyte": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    "t10k-labels-idx1-ubyte": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}


def mnist(train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return MNIST: handwritten digits (Y. LeCun, C. Cortes, C. Burges; CC BY-SA 3.0), 28 by 28, white on black.

    Looks for the four published files, packed (`.gz`) or not, in the folder `mnist` (the test files also in
    `mnist_t10k`) of the folder that the environment variable FASTGROK_DATA_DIR names, then in the user's cache; else
    downloads them into the cache (12 MB).

    Parameters
    ----------
    train : bool
        The 60,000 images to train on, or the 10,000 to test with.

    Returns
    -------
    images : (N, 28, 28) uint8
        From 0, the paper, to 255, the ink.
    labels : (N,) int64
        From 0 to 9.

    Raises
    ------
    DatasetError
        When a file is not here and cannot be downloaded.
    ValueError
        When a file in FASTGROK_DATA_DIR has another content.
    """
    return _published("mnist", train, _MNIST, _MNIST_URLS)


def fashion_mnist(train: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return Fashion-MNIST: photographs of clothes (Zalando SE; MIT licence), in the form of MNIST but harder.

    The labels are 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 boot. The
    files have MNIST's names and are looked for in the folder `fashion_mnist`. Everything else is as in `mnist`.
    """
    return _published("fashion_mnist", train, _FASHION, _FASHION_URLS)


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return 9,000 digits to learn from and 1,000 to test with: MNIST's test file, a sixth of the download.

    Every tenth image of the file is one to test with: the writers of its second half are others than those of its
    first. Without a network, as many digits are drawn by a program, and a line on stderr says so.

    Returns
    -------
    train_images : (9000, 28, 28) uint8
    train_labels : (9000,) int64
    test_images : (1000, 28, 28) uint8
    test_labels : (1000,) int64

    Raises
    ------
    ValueError
        When a file in FASTGROK_DATA_DIR has another content.
    """
    try:
        images, labels = mnist(train=False)
    except DatasetError as error:
        say_what_stands_in(error, "digits drawn by a program stand in, and other numbers come out")
        images, labels = drawn_digits(_COUNTS["t10k"])
    held_out = np.arange(len(images)) % 10 == 9
    return images[~held_out], labels[~held_out], images[held_out], labels[held_out]


def _published(folder: str, train: bool, checksums: dict, urls: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of the files of one data set."""
    part = "train" if train else "t10k"
    N = _COUNTS[part]
    arrays = []
    for kind, shape in (("images-idx3", (N, _SIDE, _SIDE)), ("labels-idx1", (N,))):
        name = f"{part}-{kind}-ubyte"
        archive, content = checksums[name]
        path = _local(folder, name)
        if path is None:
            packed = fetch(Path(folder, f"{name}.gz"), tuple(f"{url}{name}.gz" for url in urls), archive)
            arrays.append(_parse(packed, shape, f"{folder}/{name}.gz", content))
        else:
            arrays.append(_parse(path.read_bytes(), shape, str(path), content))
    images, labels = arrays
    return images, labels.astype(np.int64)


def _local(folder: str, name: str) -> Path | None:
    """Return where a file lies in FASTGROK_DATA_DIR, if it does."""
    root = os.environ.get("FASTGROK_DATA_DIR")
    folders = [folder, "mnist_t10k"] if folder == "mnist" and name.startswith("t10k") else [folder]
    paths = [Path(root, place, name + end) for place in folders for end in ("", ".gz")] if root else []
    return next((path for path in paths if path.exists()), None)


def _parse(data: bytes, shape: tuple[int, ...], where: str, sha256: str) -> np.ndarray:
    """Return the bytes of an IDX file, packed or not, as a uint8 array of `shape`.

    The file starts with two zeros, 8 for bytes, the number of axes, and the size of each axis (4 bytes, the largest
    first). Raises `ValueError` when this is not so, or the content is not the published one.
    """
    header = bytes((0, 0, 8, len(shape))) + b"".join(size.to_bytes(4, "big") for size in shape)
    length = len(header) + math.prod(shape)
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(length + 1)  # never more, whatever it says
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{where} is damaged: {error}; {_REMEDY}") from None
    if data[: len(header)] != header:
        start = data[: len(header)].hex()
        raise ValueError(f"{where} starts with {start}, expected {header.hex()}: bytes of {shape}; {_REMEDY}")
    if len(data) != length:
        size = "more" if len(data) > length else len(data)
        raise ValueError(f"{where} has {size} bytes, expected {length}; {_REMEDY}")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{where} has the right size, but is not the published file; {_REMEDY}")
    return np.frombuffer(bytearray(data), np.uint8, offset=len(header)).reshape(shape)
