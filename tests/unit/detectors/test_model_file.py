"""A model file is taken for hostile: every kind of wrong file has its own error, before anything is run."""

import contextlib
import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from winnow.detectors import ModelNotFoundError, ModelRefusedError, load_model, model_file
from winnow.detectors.card import write_card
from winnow.detectors.errors import (
    ExternalDataError,
    ModelChecksumError,
    ModelMalformedError,
    ModelShapeError,
    ModelTooLargeError,
    OperatorDomainError,
)
from winnow.detectors.model_file import inspect_model
from winnow.detectors.testing import fake_card


def model_of(*nodes: onnx.NodeProto, constants: tuple[onnx.TensorProto, ...] = ()) -> onnx.ModelProto:
    """Return a model of these nodes that takes `x` and gives `y`."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph(list(nodes), "test", [value], [result], initializer=list(constants))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def plain() -> onnx.ModelProto:
    """Return a harmless model."""
    one = numpy_helper.from_array(np.ones(1, np.float32), "one")
    return model_of(helper.make_node("Add", ["x", "one"], ["y"]), constants=(one,))


def outside_tensor() -> onnx.TensorProto:
    """Return a tensor that says its numbers are in another file."""
    tensor = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/hostname")
    return tensor


def branch(tensor: onnx.TensorProto) -> onnx.NodeProto:
    """Return a node that keeps the tensor inside the body of a branch."""
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    inner = helper.make_graph([helper.make_node("Identity", [tensor.name], ["y"])], "inner", [], [result], [tensor])
    return helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)


def field(number: int, payload: bytes) -> bytes:
    """Return a length-delimited field of a protocol buffer."""
    size, rest = bytearray(), len(payload)
    while rest > 0x7F:
        size.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2, *size, rest]) + payload


def test_plain_model_passes() -> None:
    """A model that is complete in itself is let through."""
    inspect_model("plain.onnx", plain().SerializeToString())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><body>404</body></html>",
        b"\x89PNG\r\n\x1a\n" + bytes(64),
        bytes(1000),
        b"\x08",
        b"\x3a\xff\xff\x7f",
    ],
)
def test_file_that_is_no_model_is_malformed(data: bytes) -> None:
    """Empty files, web pages, pictures, zeros and stubs are named as no model."""
    with pytest.raises(ModelMalformedError, match=r"file\.onnx: not an ONNX model"):
        inspect_model("file.onnx", data)


def test_model_cut_off_in_the_middle_is_malformed() -> None:
    """A download that broke off is noticed."""
    data = plain().SerializeToString()
    with pytest.raises(ModelMalformedError):
        inspect_model("cut.onnx", data[: len(data) // 2])


def test_endless_nesting_is_malformed() -> None:
    """Graphs inside graphs inside graphs are refused without recursion."""
    data = b""
    for _ in range(2000):
        data = field(1, field(5, field(6, data)))  # a node whose attribute is a graph with a node whose ...
    with pytest.raises(ModelMalformedError, match="nested"):
        inspect_model("deep.onnx", field(7, data))


@pytest.mark.parametrize("hide", ["constant", "attribute", "branch", "sparse"])
def test_external_data_is_refused_wherever_it_hides(hide: str) -> None:
    """A tensor in another file is found among constants, in attributes, in branches and in sparse tensors."""
    tensor = outside_tensor()
    model = plain()
    if hide == "constant":
        model.graph.initializer.append(tensor)
    elif hide == "sparse":
        model.graph.sparse_initializer.add().values.CopyFrom(tensor)
    elif hide == "attribute":
        model.graph.node.append(helper.make_node("Constant", [], ["z"], value=tensor))
    else:
        model.graph.node.append(branch(tensor))
    with pytest.raises(ExternalDataError, match="another file") as caught:
        inspect_model("leak.onnx", model.SerializeToString())
    assert caught.value.tensor == "secret"


def test_external_data_without_the_location_flag_is_refused() -> None:
    """A file name alone is enough to be refused."""
    model = plain()
    model.graph.initializer[0].external_data.add(key="location", value="weights.bin")
    with pytest.raises(ExternalDataError):
        inspect_model("leak.onnx", model.SerializeToString())


@pytest.mark.parametrize("domain", ["com.example.evil", "ai.onnx.ml"])
def test_unknown_operator_domain_is_refused(domain: str) -> None:
    """Operators from elsewhere are refused by the name of their domain."""
    model = model_of(helper.make_node("Add", ["x", "x"], ["y"], domain=domain))
    with pytest.raises(OperatorDomainError, match=domain) as caught:
        inspect_model("custom.onnx", model.SerializeToString())
    assert caught.value.domain == domain


def test_imported_operator_domain_is_refused() -> None:
    """Importing an unknown domain is enough, also when no node uses it yet."""
    model = plain()
    model.opset_import.append(helper.make_opsetid("com.example.evil", 1))
    with pytest.raises(OperatorDomainError):
        inspect_model("custom.onnx", model.SerializeToString())


def test_tensor_of_impossible_size_is_refused() -> None:
    """Sizes are multiplied out before anybody reserves memory for them."""
    model = plain()
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 20, 1 << 20])
    with pytest.raises(ModelShapeError, match="too large"):
        inspect_model("huge.onnx", model.SerializeToString())


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_inspection_fail_otherwise(data: bytes) -> None:
    """Random bytes are malformed or let through, never a crash."""
    with contextlib.suppress(ModelRefusedError):
        inspect_model("random.onnx", data)


@settings(max_examples=300)
@given(position=st.integers(0, 10**6), value=st.integers(0, 255))
def test_one_wrong_byte_never_crashes_the_inspection(position: int, value: int) -> None:
    """A model with one byte changed is let through or refused."""
    data = bytearray(plain().SerializeToString())
    data[position % len(data)] = value
    with contextlib.suppress(ModelRefusedError):
        inspect_model("flipped.onnx", bytes(data))


def save(folder: Path, data: bytes, sha256: str) -> Path:
    """Write a model with a card that claims this checksum; return the card's path."""
    card = fake_card().model_copy(update={"sha256": sha256, "size_bytes": max(1, len(data))})
    (folder / card.file).write_bytes(data)
    write_card(card, folder / "fake.yaml")
    return folder / "fake.yaml"


def test_file_of_another_checksum_is_refused(tmp_path: Path) -> None:
    """A file that was exchanged is refused with both checksums."""
    path = save(tmp_path, b"exchanged", "0" * 64)
    with pytest.raises(ModelChecksumError, match="get the file again") as caught:
        load_model(path)
    assert caught.value.expected_sha256 == "0" * 64
    assert caught.value.actual_sha256 == hashlib.sha256(b"exchanged").hexdigest()


def test_file_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the limit is read, whatever the file holds."""
    monkeypatch.setattr(model_file, "MAX_MODEL_BYTES", 100)
    path = save(tmp_path, bytes(101), "0" * 64)
    with pytest.raises(ModelTooLargeError) as caught:
        load_model(path)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (101, 100)


def test_card_without_its_file_is_not_found(tmp_path: Path) -> None:
    """A card alone is named as such."""
    path = save(tmp_path, b"", "0" * 64)
    (tmp_path / "fake.onnx").unlink()
    with pytest.raises(ModelNotFoundError, match="beside its card"):
        load_model(path)
