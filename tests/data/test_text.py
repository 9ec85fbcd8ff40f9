"""From a file of text to windows of ids: what is read, what is refused, and that no character gets lost."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgrok.data import CharacterVocabulary, ContiguousBatches, read_text, split, streams

# ---------------------------------------------------------------------------------------------------- reading


def test_a_text_is_read_as_it_stands(tmp_path):
    path = tmp_path / "text"
    path.write_bytes("Zeile\r\nnächste\n".encode())
    assert read_text(path) == "Zeile\r\nnächste\n"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such file"):
        read_text(tmp_path / "nowhere")


def test_a_folder_is_no_text(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder, expected a text file"):
        read_text(tmp_path)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(ValueError, match="is empty"):
        read_text(path)


def test_undecodable_bytes_are_located(tmp_path):
    path = tmp_path / "latin1"
    path.write_bytes("déjà vu".encode("latin1"))
    with pytest.raises(ValueError, match=r"byte 0xe9 at offset 1 .*iconv"):
        read_text(path)


# ---------------------------------------------------------------------------------------------------- vocabulary


@given(st.text(min_size=1))
def test_encoding_and_decoding_give_the_text_back(text):
    vocabulary = CharacterVocabulary.from_text(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64
    assert vocabulary.decode(ids) == text
    assert sorted(set(ids.tolist())) == list(range(len(vocabulary)))


@given(st.text(min_size=1))
def test_a_vocabulary_survives_its_json(text):
    vocabulary = CharacterVocabulary.from_text(text)
    assert CharacterVocabulary.from_json(json.loads(json.dumps(vocabulary.to_json()))) == vocabulary


def test_a_vocabulary_is_saved_and_loaded(tmp_path):
    vocabulary = CharacterVocabulary.from_text("ünïcödé\n")
    vocabulary.save(tmp_path / "vocabulary.json")
    assert CharacterVocabulary.load(tmp_path / "vocabulary.json") == vocabulary


@pytest.mark.parametrize("content", ["[]", "{}", "nonsense", '{"type": "characters", "characters": "ba"}'])
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, content):
    (tmp_path / "wrong.json").write_text(content)
    with pytest.raises(ValueError, match=r"wrong\.json"):
        CharacterVocabulary.load(tmp_path / "wrong.json")


def test_an_unknown_character_is_named_with_its_place():
    vocabulary = CharacterVocabulary.from_text("abc")
    with pytest.raises(ValueError, match=r"prompt: the character 'x' \(U\+0078\) at position 2 .* 3 characters"):
        vocabulary.encode("abx", "prompt")


@pytest.mark.parametrize("wrong", [-1, 3])
def test_an_id_out_of_range_is_named(wrong):
    with pytest.raises(IndexError, match=f"id {wrong}, expected 0 <= id < 3"):
        CharacterVocabulary("abc").decode([0, wrong])


# ---------------------------------------------------------------------------------------------------- batches

sizes = st.tuples(st.integers(1, 5), st.integers(1, 7))


@given(sizes, st.integers(0, 200))
def test_windows_continue_their_streams_and_targets_follow_inputs(size, extra):
    batch_size, window = size
    ids = np.arange(batch_size * window + 1 + extra)
    batches = ContiguousBatches(ids, batch_size, window)
    x = np.concatenate([x.numpy() for x, _ in batches])
    y = np.concatenate([y.numpy() for _, y in batches])
    assert x.dtype == y.dtype == np.int64
    assert x.shape == (len(batches) * window, batch_size)
    np.testing.assert_array_equal(y, x + 1)
    assert (np.diff(x, axis=0) == 1).all(), "the window after a window goes on where that ended"
    assert len(ids) - 1 - x.size < batch_size * (window + 1), "less than a window and a remainder is left out"
    assert len(np.unique(x)) == x.size


@given(sizes, st.integers(0, 50), st.integers(0, 3))
def test_a_shifted_epoch_reads_the_text_round_and_depends_on_its_number_only(size, extra, epoch):
    batch_size, window = size
    ids = np.arange(batch_size * window + 1 + extra)
    one, other = (ContiguousBatches(ids, batch_size, window, shift_seed=3) for _ in range(2))
    one.set_epoch(7)
    for batches in (one, other):
        batches.set_epoch(epoch)
    for (x, y), (also_x, _) in zip(one, other, strict=True):
        np.testing.assert_array_equal(x.numpy(), also_x.numpy())
        np.testing.assert_array_equal(y.numpy(), (x.numpy() + 1) % len(ids))


def test_epochs_begin_at_different_places():
    batches = ContiguousBatches(np.arange(1000), 2, 3, shift_seed=0)
    firsts = set()
    for epoch in range(5):
        batches.set_epoch(epoch)
        firsts.add(int(batches[0][0].numpy()[0, 0]))
    assert len(firsts) == 5


def test_a_text_that_is_too_short_says_what_it_takes():
    with pytest.raises(ValueError, match=r"too short: 12 characters to learn from, .* needs 13"):
        ContiguousBatches(np.arange(12), 2, 6)
    assert len(ContiguousBatches(np.arange(13), 2, 6)) == 1


@pytest.mark.parametrize(("batch_size", "window"), [(0, 1), (1, 0), (-3, 2)])
def test_sizes_that_make_no_sense_are_refused(batch_size, window):
    with pytest.raises(ValueError, match="expected at least 1"):
        ContiguousBatches(np.arange(100), batch_size, window)


@given(st.integers(2, 500), st.integers(1, 70), st.integers(1, 20))
def test_streams_cover_every_target_once(length, count, window):
    ids = np.arange(length)
    seen = []
    for x, y in streams(ids, count, window):
        x, y = x.numpy(), y.numpy()
        counts = y >= 0
        np.testing.assert_array_equal(y[counts], x[counts] + 1)
        seen.append(y[counts])
    assert sorted(np.concatenate(seen).tolist()) == list(range(1, length))


def test_a_stream_goes_on_from_window_to_window():
    windows = [x.numpy() for x, _ in streams(np.arange(31), count=3, window=4)]
    for before, after in itertools.pairwise(windows):
        np.testing.assert_array_equal(after[0], before[-1] + 1)


def test_the_split_keeps_the_end_for_validation():
    training, validation = split(np.arange(1000))
    assert len(training) == 900
    assert validation[0] == 900
    assert len(validation) == 100
