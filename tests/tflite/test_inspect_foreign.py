"""``kerascnn inspect`` on files of other programs: custom operators, options, shared and packed constants."""

import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_files import code, operator, packed, tensor, unpacked, written

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.file_format.graph import constant_data, read_graph
from kerascnn.tflite.inspection.inspect import inspect

INT8, UINT8, INT16, FLOAT32 = (
    getattr(schema.TensorType, name) for name in ("INT8", "UINT8", "INT16", "FLOAT32")
)


def test_custom_unknown_and_unused_operators(tmp_path, cli):
    path = packed(
        tmp_path / "m.tflite",
        [tensor("in"), tensor("middle"), tensor("out", kind=99)],
        [operator(2, [0, -1], [1]), operator(1, [1], [2])],
        [code("QUANTIZE"), code(999, 7), code("CUSTOM", customCode="edgetpu-custom-op")],
        outputs=[2],
    )
    (subgraph,) = read_graph(path).subgraphs
    assert [(one.name, one.custom, one.version) for one in subgraph.operators] == [
        ("edgetpu-custom-op", True, 1),
        ("UNKNOWN (code 999)", False, 7),
    ]
    assert subgraph.operators[0].inputs == (0, -1)
    shown = cli("inspect", path).out
    assert "edgetpu-custom-op, custom" in shown
    assert "float32 → unknown (code 99)" in shown
    assert "QUANTIZE" not in shown  # it stands in the table of codes and no operator uses it


def test_what_a_custom_operator_carries_counts(tmp_path):
    carrying = operator(0, [0], [1])
    carrying.customOptions = list(range(200))
    path = packed(
        tmp_path / "m.tflite",
        [tensor(), tensor()],
        [carrying],
        [code("CUSTOM", customCode="edgetpu-custom-op")],
    )
    (told,) = inspect(path).to_dict()["subgraphs"][0]["operators"]
    assert (told["bytes"], told["options"]) == (200, {"custom_options_bytes": 200})


def test_what_a_custom_operator_carries_behind_the_flatbuffer(tmp_path):
    carrying = operator(0, [0], [1])
    path = tmp_path / "m.tflite"
    for size in (6, 2**64 - 1):
        carrying.largeCustomOptionsOffset, carrying.largeCustomOptionsSize = 8, size
        packed(path, [tensor(), tensor()], [carrying], [code("CUSTOM", customCode="own")])
        if size == 6:
            assert inspect(path).to_dict()["subgraphs"][0]["operators"][0]["bytes"] == 6
    with pytest.raises(KerasCnnError, match="the options of an operator are beyond its end"):
        inspect(path)


def test_strings_sparse_and_packed_weights(tmp_path):
    words = tensor(kind=schema.TensorType.STRING, shape=[2], buffer=1)
    dense = schema.DimensionMetadataT(denseSize=4)
    sparse = tensor(shape=[4, 4], buffer=2, sparsity=schema.SparsityParametersT(dimMetadata=[dense, dense]))
    nibbles = tensor(kind=schema.TensorType.INT4, shape=[3], buffer=3, scales=[0.5], zero_points=[0])
    path = packed(
        tmp_path / "m.tflite",
        [tensor(), tensor(), words, sparse, nibbles],
        [operator(0, [0, 2, 3, 4], [1])],
        [code("CUSTOM", customCode="mixed")],
        buffers=[schema.BufferT(data=list(range(size))) for size in (17, 8, 2)],
    )
    *_, words, sparse, nibbles = read_graph(path).subgraphs[0].tensors
    assert [(one.constant, one.bytes) for one in (words, sparse, nibbles)] == [
        (True, 17),
        (True, 8),
        (True, 2),
    ]
    assert sparse.sparse
    assert "sparse" in str(inspect(path))
    assert inspect(path).to_dict()["subgraphs"][0]["operators"][0]["bytes"] == 27


def test_data_behind_the_flatbuffer(tmp_path):
    path = tmp_path / "m.tflite"

    def write(offset, size):
        buffer = schema.BufferT(offset=offset, size=size)
        weights = tensor(kind=INT8, shape=[2, 3], buffer=1)
        return packed(
            path, [tensor(), tensor(), weights], [operator(0, [0, 2], [1])], [code("ADD")], buffers=[buffer]
        )

    end = write(8, 6).stat().st_size
    with write(end, 6).open("ab") as file:
        file.write(b"abcdef")
    graph = read_graph(path)
    assert constant_data(graph, graph.subgraphs[0].tensors[2]) == b"abcdef"
    assert inspect(path).constant_bytes == 6
    for offset, size in ((end, 6), (2**63, 6), (end - 6, 2**64 - 1)):
        with pytest.raises(KerasCnnError, match="the data of buffer 1 is beyond its end"):
            read_graph(write(offset, size))


def test_shared_constants_are_counted_once(tmp_path):
    shared = [tensor(kind=INT8, shape=[5], buffer=1) for _ in range(3)]
    path = packed(
        tmp_path / "m.tflite",
        [tensor(), tensor(), *shared],
        [operator(0, [0, 2, 2, 3], [1])],
        [code("ADD")],
        buffers=[schema.BufferT(data=[0] * 5)],
    )
    told = inspect(path).to_dict()
    assert (told["constant_bytes"], told["subgraphs"][0]["operators"][0]["bytes"]) == (5, 5)


def test_every_kind_of_options_can_be_read(tmp_path):
    kinds = [
        (field, name, number)
        for field in ("BuiltinOptions", "BuiltinOptions2")
        for name, number in vars(getattr(schema, field)).items()
        if name.endswith("Options")
    ]
    assert len(kinds) > 140
    operators = []
    for field, name, number in kinds:
        lower = field[0].lower() + field[1:]
        filled = getattr(schema, f"{name}T")()
        operators.append(schema.OperatorT(inputs=[0], outputs=[1], **{lower: filled, f"{lower}Type": number}))
    path = packed(tmp_path / "m.tflite", [tensor(), tensor()], operators, [code("ADD")])
    for (_, name, _), found in zip(kinds, read_graph(path).subgraphs[0].operators, strict=True):
        assert len(found.options) == len(vars(getattr(schema, f"{name}T")())), name
        assert not {key for key in found.options if key != key.lower()}


def test_options_with_lists_texts_and_no_numbers(tmp_path):
    settings = [
        ("VarHandleOptions", schema.VarHandleOptionsT(container="", sharedName="state")),
        ("SqueezeOptions", schema.SqueezeOptionsT(squeezeDims=[1, 2])),
        ("LeakyReluOptions", schema.LeakyReluOptionsT(alpha=float("inf"))),
        ("MirrorPadOptions", schema.MirrorPadOptionsT(mode=1)),
        ("CastOptions", schema.CastOptionsT(inDataType=9, outDataType=99)),
    ]
    operators = [
        schema.OperatorT(
            inputs=[0],
            outputs=[1],
            builtinOptions=options,
            builtinOptionsType=getattr(schema.BuiltinOptions, name),
        )
        for name, options in settings
    ]
    path = packed(tmp_path / "m.tflite", [tensor(), tensor()], operators, [code("ADD")])
    told = inspect(path).to_dict()["subgraphs"][0]["operators"]
    assert [one["options"] for one in told] == [
        {"container": "", "shared_name": "state"},
        {"squeeze_dims": [1, 2]},
        {"alpha": None},
        {"mode": "SYMMETRIC"},
        {"in_data_type": "INT8", "out_data_type": "UNKNOWN (code 99)"},
    ]


def test_biases_that_note_the_dimension_of_their_weights(tmp_path, int8):
    """As files of an older converter do, TFLM's person_detect.tflite for instance."""
    model = unpacked(int8)
    flat = [each.quantization for each in model.subgraphs[0].tensors if len(each.shape) == 1]
    biases = [each for each in flat if each is not None and each.scale is not None and len(each.scale) > 1]
    assert biases
    for each in biases:
        each.quantizedDimension = 3
    found = inspect(written(tmp_path / "m.tflite", model)).to_dict()
    told = [tensor["quantization"] for tensor in found["subgraphs"][0]["tensors"] if tensor["quantization"]]
    assert sum(each["per_channel"] for each in told) >= 2 * len(biases)
