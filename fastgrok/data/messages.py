"""Text messages, some of them unwanted: the SMS Spam Collection, or a stand-in where there is no network."""

import io
import os
import zipfile
from itertools import product
from pathlib import Path

import numpy as np

from .datasets import DatasetError, _sha256, fetch, say_what_stands_in

__all__ = ["sms_spam"]

SMS_SPAM = Path("sms_spam", "SMSSpamCollection")
SMS_SPAM_SHA256 = "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d"  # of the text, uncompressed
SMS_SPAM_BYTES = 477_907
SMS_SPAM_ZIP = Path("sms_spam", "sms+spam+collection.zip")
SMS_SPAM_ZIP_SHA256 = "1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3"
SMS_SPAM_URLS = ("https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip",)
HEADER = b"Label\tSMS\n"  # some copies begin with it, the published file does not


def sms_spam() -> tuple[list[str], np.ndarray]:
    """Return 5,574 text messages and which of them are spam, collected by T. Almeida and J. Gómez Hidalgo (CC BY 4.0).

    Looks for `sms_spam/SMSSpamCollection`, or the published archive `sms_spam/sms+spam+collection.zip`, in the folder
    that the environment variable FASTGROK_DATA_DIR names, then in the user's cache; else downloads it into the cache
    (0.2 MB). Where that is not possible either, a line on stderr says so, and 600 simple messages made from a few
    phrases stand in for it.

    Some messages were collected more than once: 5,171 are different.

    Returns
    -------
    messages : list of N str
    spam : (N,) int64
        1 for spam (747 messages of the collection), 0 for the others.

    Raises
    ------
    ValueError
        When the file in FASTGROK_DATA_DIR has another content.
    """
    folder = os.environ.get("FASTGROK_DATA_DIR")
    for name in (SMS_SPAM, SMS_SPAM_ZIP):
        path = Path(folder or "", name)
        if folder and path.exists():
            content = path.read_bytes().removeprefix(HEADER)
            if _sha256(content) != (SMS_SPAM_SHA256 if name == SMS_SPAM else SMS_SPAM_ZIP_SHA256):
                raise ValueError(f"{path} is not the published SMS Spam Collection; delete it, and it is downloaded")
            return _parse(content if name == SMS_SPAM else _unpack(content))
    try:
        return _parse(_unpack(fetch(SMS_SPAM_ZIP, SMS_SPAM_URLS, SMS_SPAM_ZIP_SHA256)))
    except DatasetError as error:
        say_what_stands_in(error, "messages made from a few phrases stand in for it")
        return _stand_in()


def _unpack(archive: bytes) -> bytes:
    """Return the messages of the published archive."""
    with zipfile.ZipFile(io.BytesIO(archive)).open("SMSSpamCollection") as file:
        return file.read(SMS_SPAM_BYTES)


def _parse(content: bytes) -> tuple[list[str], np.ndarray]:
    """Split lines of a label, a tab and a message."""
    rows = [line.split("\t", 1) for line in content.decode("utf-8").splitlines()]
    return [message for _, message in rows], np.array([label == "spam" for label, _ in rows], np.int64)


def _stand_in() -> tuple[list[str], np.ndarray]:
    """Make 500 messages to friends and 100 to customers, in an order that mixes them."""
    harmless = product(
        ("Ok lar,", "Hey,", "Sorry,", "Good morning,", "Haha yes,"),
        ("i am on the bus", "i'll call you later", "dinner is ready", "we are at home", "see you in class"),
        ("so", "and", "but", "because"),
        ("i missed you", "mum is asking", "it is raining", "i will be late", "tell me when you are free"),
    )
    unwanted = product(
        ("URGENT!", "Congratulations!", "FREE entry:", "Dear customer,", "WINNER!!"),
        ("you have won a £1000 prize", "claim your free phone", "txt WIN to 87121", "your mobile was selected"),
        ("call 09061701461 now", "reply YES to 80082", "only 150p per msg", "offer ends today", "T&Cs apply"),
    )
    messages = [" ".join(words) for words in (*harmless, *unwanted)]
    spam = np.repeat(np.array([0, 1], np.int64), (500, 100))
    order = np.random.default_rng(0).permutation(len(messages))
    return [messages[i] for i in order], spam[order]
