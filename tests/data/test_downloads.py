"""Downloads from a server of our own: whole, cut short, of another content, missing, and asked for by two at once."""

import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fastgrok.data import DatasetError, datasets

CONTENT = b"To be, or not to be.\n" * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = Path("plays", "hamlet.txt")


class Answers(BaseHTTPRequestHandler):
    """The address says how to answer."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/missing":
            self.send_error(404)
            return
        content = b"<html>please log in</html>" if self.path == "/other" else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.path == "/short" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server on this machine, and an empty cache with a blank and an umlaut in its path."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FASTGROK_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(datasets, "cache_directory", lambda: tmp_path / "my caché" / "data")
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    httpd.asked = []
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def fetch(server, *paths):
    return datasets.fetch(NAME, tuple(server.url + path for path in paths), SHA256)


def kept():
    folder = datasets.cache_directory()
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_downloaded_once(server):
    assert fetch(server, "/good") == CONTENT
    assert fetch(server, "/good") == CONTENT
    assert server.asked == ["/good"] and kept() == {"hamlet.txt": CONTENT}


@pytest.mark.parametrize("failure", ["/short", "/other", "/missing"])
def test_the_next_address_is_asked_where_one_fails(server, failure):
    assert fetch(server, failure, "/good") == CONTENT
    assert server.asked == [failure, "/good"] and kept() == {"hamlet.txt": CONTENT}


@pytest.mark.parametrize(
    ("failure", "reason"),
    [("/short", r"\w+"), ("/other", "delivers another file"), ("/missing", "answers 404")],
)
def test_nothing_is_kept_of_a_failure_and_the_error_says_what_to_do(monkeypatch, tmp_path, server, failure, reason):
    to_do = rf"get {server.url}{failure} and save it as plays/hamlet\.txt in"
    with pytest.raises(DatasetError, match=rf"downloaded \(127\.0\.0\.1:\d+: {reason}\); {to_do} the folder that"):
        fetch(server, failure)
    monkeypatch.setenv("FASTGROK_DATA_DIR", str(tmp_path))
    with pytest.raises(DatasetError) as caught:
        fetch(server, failure)
    assert f"in {tmp_path}, the folder that FASTGROK_DATA_DIR names" in str(caught.value)
    assert kept() == {}


def test_a_damaged_copy_in_the_cache_is_fetched_again(server):
    path = datasets.cache_directory() / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:-1])
    assert fetch(server, "/good") == CONTENT
    assert kept() == {"hamlet.txt": CONTENT}


def test_two_processes_may_ask_at_once(server):
    script = (
        "import sys; from pathlib import Path; from fastgrok.data import datasets\n"
        "datasets.cache_directory = lambda: Path(sys.argv[1])\n"
        "print(len(datasets.fetch(Path('plays', 'hamlet.txt'), (sys.argv[2],), sys.argv[3])))"
    )
    command = [sys.executable, "-c", script, str(datasets.cache_directory()), f"{server.url}/good", SHA256]
    both = [
        subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        out, error = process.communicate(timeout=120)
        assert (process.returncode, int(out)) == (0, len(CONTENT)), error.decode()
    assert kept() == {"hamlet.txt": CONTENT}
