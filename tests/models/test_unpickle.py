"""Checkpoints are read without running them: arrays come through, payloads do not."""

import builtins
import collections
import os
import pickle
import resource
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import torch

from foveate.core import WeightsError
from foveate.models import read_checkpoint
from foveate.models.unpickle import read_pickle


class Payload:
    """Pickles as a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class WithState(Payload):
    """Pickles as an array whose state is a payload."""

    def __reduce__(self):
        return np.zeros(1).__reduce__()[0], np.zeros(1).__reduce__()[1], self.call[1][0]


BEGUN_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"


def touch(path) -> str:
    return f"touch {path}"


def payloads(trace):
    """Each leaves the file `trace` when it runs."""
    code = f"open({str(trace)!r}, 'w').close()"
    nested = {"model": {"weight": np.zeros(2, np.float32), "deep": [({"x": Payload(os.system, touch(trace))},)]}}
    return {
        "os.system": Payload(os.system, touch(trace)),
        "builtins.eval": Payload(eval, f"__import__('os').system({touch(trace)!r})"),
        "builtins.exec": Payload(exec, code),
        "builtins.getattr": Payload(getattr, "text", "upper"),
        "builtins.__import__": Payload(builtins.__import__, "os"),
        "subprocess.Popen": Payload(subprocess.Popen, ["touch", str(trace)]),
        "inside the checkpoint": nested,
        "a reduce inside a reduce": Payload(dict, [("weight", Payload(os.system, touch(trace)))]),
        "an array's state": WithState(None, Payload(os.system, touch(trace))),
        "numpy.load": Payload(np.load, str(trace)),
        "numpy.save": Payload(np.save, str(trace), np.zeros(1)),
        "torch.load": Payload(torch.load, str(trace)),
    }


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", payloads("x"))
def test_a_payload_is_refused_and_does_not_run(tmp_path, name, protocol):
    trace, path = tmp_path / "trace", tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps(payloads(trace)[name], protocol))
    with pytest.raises(WeightsError, match=r"evil\.pkl: (refused|not a whole pickle)"):
        read_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "text",
    [
        b"cos\nsystem\n(S'touch trace'\ntR.",
        b"cnumpy\nndarray.tofile\n.",
        b"cnumpy.core.multiarray\nos.system\n.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"csys\nmodules\n.",
        b"\x80\x04\x8c\x05numpy\x8c\x10load.__globals__\x93.",
    ],
)
def test_names_by_any_way_are_refused(tmp_path, text):
    path = tmp_path / "evil.pkl"
    path.write_bytes(text)
    with pytest.raises(WeightsError, match="refused, as it names"):
        read_pickle(path)


@pytest.mark.parametrize(
    "text",
    [
        # numpy.ndarray called for 2 ** 50 bytes
        b"cnumpy\nndarray\n(I1125899906842624\nS'b'\ntR.",
        # 2 ** 50 zero bytes
        b"c__builtin__\nbytes\n(I1125899906842624\ntR.",
        # an array whose state claims more than it brings
        BEGUN_ARRAY + b"(I1\n(I1125899906842624\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntRI00\nS'abc'\ntb.",
        # a persistent reference
        b"Pfile\n.",
        b"",
        b"\x80\x04",
        b"not a pickle",
    ],
)
def test_what_is_no_pickle_of_arrays_is_one_clear_error(tmp_path, text):
    path = tmp_path / "broken.pkl"
    path.write_bytes(text)
    with pytest.raises(WeightsError, match="not a whole pickle"):
        read_pickle(path)


@pytest.mark.parametrize("code", ["O", "V8", "S4", "M8", "f16", "c8", "f4,f4"])
def test_arrays_of_anything_but_numbers_are_refused(tmp_path, code):
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps({"a": np.zeros(3, code)}, 2))
    with pytest.raises(WeightsError, match=r"numbers of at most 8 bytes|refused|not a whole pickle"):
        read_checkpoint(path)


def test_six_bytes_cannot_ask_for_a_table_of_many_gigabytes(tmp_path):
    path = tmp_path / "greedy.pkl"
    path.write_bytes(b"}r\xff\xff\xff\xff.")
    assert read_pickle(path) == {}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts KiB as Linux does")
def test_a_buffer_takes_the_memory_of_what_is_there_and_not_of_what_is_said(tmp_path):
    path, before = tmp_path / "greedy.pkl", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path.write_bytes(pickle.BYTEARRAY8 + (2**33).to_bytes(8, "little") + b"abc")
    with pytest.raises(WeightsError, match="not a whole pickle"):
        read_pickle(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_whatever_is_changed_in_a_file_ends_in_weights_or_in_one_error(tmp_path, protocol):
    rng, path = np.random.default_rng(0), tmp_path / "changed.pkl"
    content = pickle.dumps({"model": {"a": np.arange(6.0), "b": np.zeros((2, 2), np.float32)}}, protocol)
    ends = Counter()
    for _ in range(400):
        changed = bytearray(content[: rng.integers(len(content) // 2, 2 * len(content))])
        for place in rng.integers(0, len(changed), rng.integers(1, 4)):
            changed[place] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            ends[type(read_checkpoint(path))] += 1
        except WeightsError:
            ends[WeightsError] += 1
    assert ends.keys() == {dict, WeightsError}


def test_what_a_pickle_changes_stays_in_it(tmp_path):
    """Pickles can set attributes of what they are given."""
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"cnumpy.core.multiarray\n_reconstruct\n(N(dS'__doc__'\nS'changed'\nstb.")
    read_pickle(path)
    path.write_bytes(b"cnumpy.core.multiarray\n_reconstruct\n.")
    assert read_pickle(path).__doc__ != "changed"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_come_through(tmp_path, protocol):
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "half": np.arange(3, dtype=np.float16),
        "other byte order": np.arange(3, dtype=">f4"),
        "scalar": np.array(2.5),
        "whole numbers": np.array([1, -2], np.int64),
        "empty": np.zeros((0, 4), np.float32),
    }
    path = tmp_path / "fine.pkl"
    path.write_bytes(pickle.dumps({"model": collections.OrderedDict(arrays), "__author__": "me"}, protocol))
    read = read_checkpoint(path)
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name].numpy(), array)


def test_names_of_numpy_1_and_2_are_the_same(tmp_path):
    content = pickle.dumps({"a": np.arange(3)}, 2)
    old = content.replace(b"numpy._core.", b"numpy.core.")
    assert content != old
    for number, form in enumerate((content, old)):
        path = tmp_path / f"{number}.pkl"
        path.write_bytes(form)
        assert read_checkpoint(path)["a"].tolist() == [0, 1, 2]


def test_files_of_torch_are_read_as_weights_alone(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"model": {"a": torch.arange(3.0)}, "iteration": 7}, path)
    assert read_checkpoint(path)["a"].tolist() == [0, 1, 2]
    trace = tmp_path / "trace"
    torch.save({"model": Payload(os.system, touch(trace))}, path)
    with pytest.raises(WeightsError, match="torch cannot read it as weights alone"):
        read_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "dictionary of named arrays is required, got list"),
        ({"model": 3}, "dictionary of named arrays is required, got dict"),
        ({}, "got 'nothing'"),
        ({"a": np.zeros(2), "b": "text"}, "got 'b' of another kind"),
        ({"a": np.array(["text"])}, "numbers of at most 8 bytes are required, got 'U4'"),
        ({"a": {"b": np.zeros(2)}}, "got 'a' of another kind"),
    ],
)
def test_what_holds_no_named_arrays_is_said(tmp_path, content, message):
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(WeightsError, match=message):
        read_checkpoint(path)


def test_a_missing_file_is_one_clear_error(tmp_path):
    with pytest.raises(WeightsError, match=r"missing\.pkl: cannot be read"):
        read_checkpoint(tmp_path / "missing.pkl")


def test_reading_imports_nothing(tmp_path):
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"cantigravity\nfly\n.")
    with pytest.raises(WeightsError, match=r"names antigravity\.fly"):
        read_pickle(path)
    assert "antigravity" not in sys.modules
