#!/usr/bin/env python3
"""Writes each level of a network of Rein's as ONNX, for others to run.

  experiments/network/onnx_model.py CHECKPOINT FOLDER

FOLDER/<level>.onnx   batch norms folded into the convolutions; `pixels` [N, channels, height, width], floats
                      from 0 to 255, as Rein folds their scale into the weights too; `logits` [N, classes]
FOLDER/<level>.layers the same folded weights, for onednn_by_hand.cpp, which describes them
FOLDER/identity.onnx  takes what a level takes and gives as much, and computes nothing

Python's own library is enough: checkpoint (docs/network.md) and ONNX (protocol buffers) are read and written
by hand.
"""
from __future__ import annotations

import array
import dataclasses
import math
import pathlib
import struct
import sys
import zlib

MAGIC = b"REINNET\n"
BATCH_NORM_EPSILON = 1e-5


@dataclasses.dataclass
class Layer:
    """A convolution with batch norm and ReLU, as it is at full width."""
    channels: int
    stride: int
    kernel: int = 3
    depthwise: bool = False


@dataclasses.dataclass
class Tensor:
    shape: tuple[int, ...]
    values: array.array


@dataclasses.dataclass
class Network:
    dataset: str
    channels: int
    height: int
    width: int
    classes: list[str]
    layers: list[Layer]
    levels: dict[str, float]  # by name: the width
    tensors: dict[str, Tensor]


@dataclasses.dataclass
class Folded:
    """A convolution with a bias and, but for the last layer, ReLU. The last is 1x1, after the global average."""
    outputs: int
    inputs: int  # of each group
    kernel: int
    stride: int
    groups: int
    weights: array.array  # [outputs x inputs x kernel x kernel]
    bias: array.array


# The checkpoint.

def refuse(line: str):
    print(line, file=sys.stderr)
    sys.exit(3)


class Reader:
    def __init__(self, path: pathlib.Path, data: bytes):
        self.path, self.data, self.at = path, data, 0

    def fail(self, expected: str, found: str):
        refuse(f"{self.path}: expected {expected}, found {found}")

    def raw(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            self.fail(f"{size} bytes more", f"{len(self.data) - self.at} bytes left")
        self.at += size
        return self.data[self.at - size:self.at]

    def u32(self) -> int:
        return struct.unpack("<I", self.raw(4))[0]

    def f64(self) -> float:
        return struct.unpack("<d", self.raw(8))[0]

    def text(self) -> str:
        return self.raw(self.u32()).decode()

    def floats(self, count: int) -> array.array:
        values = array.array("f", self.raw(4 * count))
        if sys.byteorder == "big":
            values.byteswap()
        return values


def read_layer_1(reader: Reader) -> Layer:
    return Layer(channels=reader.u32(), stride=reader.u32())


def read_layer_2(reader: Reader) -> Layer:
    return Layer(channels=reader.u32(), stride=reader.u32(), kernel=reader.u32(), depthwise=reader.u32() == 1)


def read_width_1(reader: Reader) -> float:
    width, _top1 = reader.f64(), reader.f64()
    return width


def read_width_2(reader: Reader) -> float:
    width = reader.f64()
    for _ in range(reader.u32()):
        _precision, _top1 = reader.text(), reader.f64()
    reader.floats(reader.u32())  # What each layer puts out at most.
    return width


# By the version of the format: how a layer and a width are read.
VERSIONS = {1: (read_layer_1, read_width_1), 2: (read_layer_2, read_width_2)}


def read_checkpoint(path: pathlib.Path) -> Network:
    try:
        data = path.read_bytes()
    except OSError as error:
        refuse(f"{path}: expected a network that can be read, found: {error.strerror}")
    reader = Reader(path, data[:-4])
    if not data.startswith(MAGIC):
        reader.fail("a network that `rein network train` wrote", "another kind of file")
    reader.raw(len(MAGIC))
    version = reader.u32()
    if version not in VERSIONS:
        reader.fail(f"version {' or '.join(map(str, VERSIONS))} of the network format", str(version))
    if struct.unpack("<I", data[-4:])[0] != zlib.crc32(data[:-4]):
        reader.fail(f"the checksum {zlib.crc32(data[:-4]):08x}", "another: the file is damaged or cut short")
    read_layer, read_width = VERSIONS[version]
    dataset, _recipe = reader.text(), reader.text()
    channels, height, width = reader.u32(), reader.u32(), reader.u32()
    classes = [reader.text() for _ in range(reader.u32())]
    layers = [read_layer(reader) for _ in range(reader.u32())]
    levels = {level_name(width): width for width in [read_width(reader) for _ in range(reader.u32())]}
    tensors = {}
    for _ in range(reader.u32()):
        name = reader.text()
        shape = tuple(reader.u32() for _ in range(reader.u32()))
        tensors[name] = Tensor(shape, reader.floats(math.prod(shape)))
    if reader.at != len(reader.data):
        reader.fail("the checksum after the tensors", f"{len(reader.data) - reader.at} bytes before it")
    return Network(dataset, channels, height, width, classes, layers, levels, tensors)


def level_name(width: float) -> str:
    return max(f"{width:.2f}", f"{width}", key=len)


def channels_at(channels: int, width: float) -> int:
    return max(1, math.floor(channels * width + 0.5))


def fold(network: Network, level: str) -> list[Folded]:
    """The network at a level: its share of each layer's channels, without batch norms."""
    width, number = network.levels[level], list(network.levels).index(level)
    plan = []
    inputs, scale = network.channels, 1.0 / 255.0
    for i, layer in enumerate(network.layers):
        outputs = channels_at(layer.channels, width)
        gain, shift, mean, variance = (network.tensors[f"level{number}.norm{i}.{part}"].values
                                       for part in ("scale", "shift", "mean", "variance"))
        full = network.tensors[f"conv{i}.weight"]
        depth = 1 if layer.depthwise else inputs
        area = math.prod(full.shape[2:])
        weights, bias = array.array("f"), array.array("f")
        for out in range(outputs):
            factor = gain[out] / math.sqrt(variance[out] + BATCH_NORM_EPSILON)
            row = out * full.shape[1] * area
            weights.extend(factor * scale * value for value in full.values[row:row + depth * area])
            bias.append(shift[out] - mean[out] * factor)
        plan.append(Folded(outputs, depth, layer.kernel, layer.stride, inputs if layer.depthwise else 1,
                           weights, bias))
        inputs, scale = outputs, 1.0
    classifier = network.tensors["classifier.weight"]
    weights = array.array("f")
    for row in range(0, len(classifier.values), classifier.shape[1]):
        weights.extend(classifier.values[row:row + inputs])
    plan.append(Folded(classifier.shape[0], inputs, 1, 1, 1, weights, network.tensors["classifier.bias"].values))
    return plan


# Protocol buffers, and of ONNX what a network needs. Field numbers are those of onnx.proto3.

IR_VERSION, OPSET = 7, 13
FLOAT, INT64 = 1, 7  # TensorProto.DataType


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def little_endian(values: array.array) -> bytes:
    if sys.byteorder == "big":
        values = array.array(values.typecode, values)
        values.byteswap()
    return values.tobytes()


def tensor(name: str, shape: tuple[int, ...], values: array.array) -> bytes:
    return (b"".join(field(1, side) for side in shape) + field(2, FLOAT if values.typecode == "f" else INT64)
            + field(8, name) + field(9, little_endian(values)))


def attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, each) for each in value) + field(20, 7)


def node(kind: str, inputs: list[str], output: str, **attributes: int | list[int]) -> bytes:
    return (b"".join(field(1, name) for name in inputs) + field(2, output) + field(3, output) + field(4, kind)
            + b"".join(field(5, attribute(*each)) for each in attributes.items()))


def value_info(name: str, shape: tuple[int | str, ...]) -> bytes:
    """Floats; a side that is a text may have any length."""
    sides = b"".join(field(1, field(1 if isinstance(side, int) else 2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, sides)))


def model(name: str, nodes: list[bytes], tensors: list[bytes], given: bytes, wanted: bytes) -> bytes:
    graph = (b"".join(field(1, each) for each in nodes) + field(2, name) + b"".join(field(5, each) for each in tensors)
             + field(11, given) + field(12, wanted))
    return field(1, IR_VERSION) + field(2, "rein") + field(7, graph) + field(8, field(1, "") + field(2, OPSET))


def pixels_of(network: Network) -> bytes:
    return value_info("pixels", ("N", network.channels, network.height, network.width))


def level_model(network: Network, level: str) -> bytes:
    *convolutions, classifier = fold(network, level)
    nodes, tensors, at = [], [], "pixels"
    for i, layer in enumerate(convolutions):
        tensors += [tensor(f"weight{i}", (layer.outputs, layer.inputs, layer.kernel, layer.kernel), layer.weights),
                    tensor(f"bias{i}", (layer.outputs,), layer.bias)]
        nodes += [node("Conv", [at, f"weight{i}", f"bias{i}"], f"conv{i}", kernel_shape=[layer.kernel] * 2,
                       strides=[layer.stride] * 2, pads=[layer.kernel // 2] * 4, group=layer.groups),
                  node("Relu", [f"conv{i}"], f"relu{i}")]
        at = f"relu{i}"
    tensors += [tensor("weight", (classifier.outputs, classifier.inputs), classifier.weights),
                tensor("bias", (classifier.outputs,), classifier.bias)]
    nodes += [node("GlobalAveragePool", [at], "average"), node("Flatten", ["average"], "flat", axis=1),
              node("Gemm", ["flat", "weight", "bias"], "logits", transB=1)]
    return model(level, nodes, tensors, pixels_of(network), value_info("logits", ("N", classifier.outputs)))


def identity_model(network: Network) -> bytes:
    """The first pixels of each image: as many as there are logits, or the rest of their last row more."""
    columns = min(network.width, len(network.classes))
    rows = min(network.height, -(-len(network.classes) // columns))
    bounds = {"starts": [0, 0, 0], "ends": [1, rows, columns], "axes": [1, 2, 3]}
    tensors = [tensor(name, (3,), array.array("q", values)) for name, values in bounds.items()]
    return model("identity", [node("Slice", ["pixels", *bounds], "logits")], tensors, pixels_of(network),
                 value_info("logits", ("N", 1, rows, columns)))


def plain_layers(network: Network, level: str) -> bytes:
    """Little-endian u32: the image's channels, height, width and the number of layers; then for each layer its
    outputs, inputs, kernel, stride and groups as u32, its weights and its bias as f32."""
    plan = fold(network, level)
    out = struct.pack("<4I", network.channels, network.height, network.width, len(plan))
    for layer in plan:
        out += struct.pack("<5I", layer.outputs, layer.inputs, layer.kernel, layer.stride, layer.groups)
        out += little_endian(layer.weights) + little_endian(layer.bias)
    return out


def write_models(network: Network, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for level in network.levels:
        (folder / f"{level}.onnx").write_bytes(level_model(network, level))
        (folder / f"{level}.layers").write_bytes(plain_layers(network, level))
    (folder / "identity.onnx").write_bytes(identity_model(network))


def main() -> None:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    try:
        write_models(read_checkpoint(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]))
    except OSError as error:
        sys.exit(f"{error.filename}: expected a file that can be written, found: {error.strerror}")


if __name__ == "__main__":
    main()
