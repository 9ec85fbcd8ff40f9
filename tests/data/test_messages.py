"""The SMS Spam Collection: where it is looked for, and what stands in for it. Nothing here needs a network."""

import hashlib
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fastgrok.data import datasets, messages, sms_spam

FEW = "ham\tOk lar...\nspam\tWIN a £100 prize\tnow\nham\tI'm at home\n".encode()


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """An empty cache, and a proxy that nobody answers at."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("FASTGROK_DATA_DIR", raising=False)
    monkeypatch.setattr(datasets, "cache_directory", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def few(monkeypatch):
    """Three messages under the checksums that are asked for; returns them as an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme", "about it")
        archive.writestr("SMSSpamCollection", FEW)
    monkeypatch.setattr(messages, "SMS_SPAM_SHA256", hashlib.sha256(FEW).hexdigest())
    monkeypatch.setattr(messages, "SMS_SPAM_ZIP_SHA256", hashlib.sha256(file.getvalue()).hexdigest())
    return file.getvalue()


def check_few(got):
    texts, spam = got
    assert texts == ["Ok lar...", "WIN a £100 prize\tnow", "I'm at home"]
    assert spam.dtype == np.int64 and spam.tolist() == [0, 1, 0]


@pytest.mark.parametrize("header", [b"", b"Label\tSMS\n"])
def test_the_data_folder_is_looked_at_first(monkeypatch, tmp_path, offline, few, header):
    (tmp_path / "sms_spam").mkdir()
    (tmp_path / "sms_spam/SMSSpamCollection").write_bytes(header + FEW)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    check_few(sms_spam())


def test_the_archive_may_lie_there_too(monkeypatch, tmp_path, offline, few):
    (tmp_path / "sms_spam").mkdir()
    (tmp_path / messages.SMS_SPAM_ZIP).write_bytes(few)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    check_few(sms_spam())


@pytest.mark.parametrize("name", [messages.SMS_SPAM, messages.SMS_SPAM_ZIP])
def test_other_messages_in_the_data_folder_are_refused(monkeypatch, tmp_path, offline, name):
    (tmp_path / "sms_spam").mkdir()
    (tmp_path / name).write_bytes(FEW)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    with pytest.raises(ValueError, match="not the published SMS Spam Collection; delete it"):
        sms_spam()


def test_a_download_is_unpacked_and_kept(monkeypatch, offline, few):
    pooch = pytest.importorskip("pooch")
    asked = []

    def deliver(url, output, pooch_object):
        asked.append(url)
        Path(output).write_bytes(few)

    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: deliver)
    check_few(sms_spam())
    check_few(sms_spam())
    assert asked == list(messages.SMS_SPAM_URLS), "the second time it comes from the cache"


def test_without_a_network_one_line_says_what_stands_in(offline, capsys):
    texts, spam = sms_spam()
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1 and "cannot be downloaded" in complaint and "stand in" in complaint
    assert len(texts) == len(set(texts)) == len(spam) == 600
    assert spam.sum() == 100 and 10 < spam[:100].sum() < 30, "mixed"
    assert texts == sms_spam()[0], "the same every time"


def test_the_published_collection():
    folder = os.environ.get("FASTGROK_DATA_DIR")
    if not folder or not (Path(folder) / messages.SMS_SPAM).exists():
        pytest.skip("FASTGROK_DATA_DIR has no sms_spam/SMSSpamCollection")
    texts, spam = sms_spam()
    assert len(texts) == 5574 and spam.sum() == 747
    assert texts[0].startswith("Go until jurong point") and spam[2] == 1
