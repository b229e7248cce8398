#!/usr/bin/env python3
"""experiments/network/onnx_model.py: what it writes is read by another decoder and computed by another
interpreter than anybody's, and has to give what the checkpoint's own layers and batch norms give.

  tests/onnx_model_test.py
"""
import array
import itertools
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "experiments/network/onnx_model.py"
SHIPPED = ROOT / "models/trained/fashion-mnist.rein"

# A small network: channels, stride, kernel, depthwise of each layer.
IMAGE, CLASSES, WIDTHS = (3, 9, 8), 5, (0.5, 1.0)
LAYERS = {1: [(6, 1, 3, False), (10, 2, 3, False)],
          2: [(6, 1, 3, False), (6, 2, 3, True), (10, 1, 1, False)]}


def share_of(channels, width):
    return max(1, math.floor(channels * width + 0.5))


def small_tensors(version, draw):
    """By name: shape and numbers."""
    tensors, inputs = {}, IMAGE[0]

    def add(name, shape, low, high):
        tensors[name] = (shape, [draw.uniform(low, high) for _ in range(math.prod(shape))])
    for i, (channels, _stride, kernel, depthwise) in enumerate(LAYERS[version]):
        add(f"conv{i}.weight", (channels, 1 if depthwise else inputs, kernel, kernel), -1, 1)
        for (level, width), part in itertools.product(enumerate(WIDTHS), ("scale", "shift", "mean", "variance")):
            add(f"level{level}.norm{i}.{part}", (share_of(channels, width),), *((0.2, 2) if part == "variance" else (-1, 1)))
        inputs = channels
    add("classifier.weight", (CLASSES, inputs), -1, 1)
    add("classifier.bias", (CLASSES,), -1, 1)
    return tensors


def checkpoint_of(version, tensors):
    """As docs/network.md says it is written."""
    def text(value):
        return struct.pack("<I", len(value)) + value.encode()
    out = b"REINNET\n" + struct.pack("<I", version) + text("none") + text("by hand") + struct.pack("<3I", *IMAGE)
    out += struct.pack("<I", CLASSES) + b"".join(text(f"class {i}") for i in range(CLASSES))
    out += struct.pack("<I", len(LAYERS[version]))
    for layer in LAYERS[version]:
        out += struct.pack("<4I", *layer)[:8 if version == 1 else 16]
    out += struct.pack("<I", len(WIDTHS))
    for width in WIDTHS:
        out += struct.pack("<d", width)
        if version == 1:
            out += struct.pack("<d", 0.5)
        else:
            out += struct.pack("<I", 2) + text("f32") + struct.pack("<d", 0.5) + text("bf16") + struct.pack("<d", 0.4)
            out += struct.pack("<I3f", 3, 1.0, 2.0, 3.0)
    out += struct.pack("<I", len(tensors))
    for name, (shape, values) in sorted(tensors.items()):
        out += text(name) + struct.pack(f"<{1 + len(shape)}I", len(shape), *shape) + struct.pack(f"<{len(values)}f", *values)
    return out + struct.pack("<I", zlib.crc32(out))


# Images are [channels][rows][columns].

def convolved(image, outputs, stride, kernel, groups, weight):
    """`weight(out, in, y, x)`, `in` counted from the group's first."""
    pad, rows, columns = kernel // 2, len(image[0]), len(image[0][0])
    inputs = len(image) // groups
    size = [(side + 2 * pad - kernel) // stride + 1 for side in (rows, columns)]
    result = [[[0.0] * size[1] for _ in range(size[0])] for _ in range(outputs)]
    for out, row, column in itertools.product(range(outputs), *map(range, size)):
        first = out // (outputs // groups) * inputs
        for each, y, x in itertools.product(range(inputs), range(kernel), range(kernel)):
            at = (row * stride + y - pad, column * stride + x - pad)
            if 0 <= at[0] < rows and 0 <= at[1] < columns:
                result[out][row][column] += weight(out, each, y, x) * image[first + each][at[0]][at[1]]
    return result


def every(image, change):
    return [[[change(channel, value) for value in row] for row in plane] for channel, plane in enumerate(image)]


def means(image):
    return [sum(map(sum, plane)) / (len(plane) * len(plane[0])) for plane in image]


def by_the_checkpoint(version, tensors, level, image):
    """Logits, by convolution, batch norm and ReLU one after the other."""
    image = every(image, lambda _, value: value / 255.0)
    for i, (channels, stride, kernel, depthwise) in enumerate(LAYERS[version]):
        shape, weights = tensors[f"conv{i}.weight"]
        at = lambda out, each, y, x: weights[((out * shape[1] + each) * kernel + y) * kernel + x]
        image = convolved(image, share_of(channels, WIDTHS[level]), stride, kernel, len(image) if depthwise else 1, at)
        scale, shift, mean, variance = (tensors[f"level{level}.norm{i}.{part}"][1]
                                        for part in ("scale", "shift", "mean", "variance"))
        image = every(image, lambda c, value: max(
            0.0, (value - mean[c]) / math.sqrt(variance[c] + 1e-5) * scale[c] + shift[c]))
    (_, inputs), weights = tensors["classifier.weight"]
    return [bias + sum(weights[row * inputs + i] * value for i, value in enumerate(means(image)))
            for row, bias in enumerate(tensors["classifier.bias"][1])]


# ONNX, read by field numbers.

def message(data):
    """By field number: all its values, in order."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 0x80:
                return value
    while at < len(data):
        key = varint()
        value = varint()
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        else:
            assert key & 7 == 0, f"wire type {key & 7}"
        fields.setdefault(key >> 3, []).append(value)
    assert at == len(data), "a message ends before its last field"
    return fields


class Graph:
    def __init__(self, data):
        model = message(data)
        self.opset = message(model[8][0])[2][0]
        graph = message(model[7][0])
        self.nodes = [self.node(each) for each in graph[1]]
        self.tensors = dict(map(self.tensor, map(message, graph[5])))
        self.given, self.wanted = (self.value(graph[number][0]) for number in (11, 12))

    @staticmethod
    def node(data):
        fields = message(data)
        attributes = {}
        for each in map(message, fields.get(5, [])):
            attributes[each[1][0].decode()] = each[3][0] if each[20] == [2] else each[8]
        return fields[4][0].decode(), [name.decode() for name in fields[1]], fields[2][0].decode(), attributes

    @staticmethod
    def tensor(fields):
        values = array.array({1: "f", 7: "q"}[fields[2][0]], fields[9][0])
        assert len(values) == math.prod(fields[1])
        return fields[8][0].decode(), (tuple(fields[1]), values)

    @staticmethod
    def value(data):
        """Its name, and its sides: numbers, or the name of what may be any."""
        fields = message(data)
        kind = message(message(fields[2][0])[1][0])
        assert kind[1] == [1], "floats"
        sides = [message(each) for each in message(kind[2][0])[1]]
        return fields[1][0].decode(), [each[1][0] if 1 in each else each[2][0].decode() for each in sides]

    def run(self, image):
        known = {self.given[0]: image}
        for kind, inputs, output, attributes in self.nodes:
            x = known[inputs[0]]
            constants = [self.tensors[name] for name in inputs[1:]]
            if kind == "Conv":
                (shape, weights), (_, bias) = constants
                kernel, stride = attributes["kernel_shape"][0], attributes["strides"][0]
                assert attributes["pads"] == [kernel // 2] * 4 and shape[2:] == (kernel, kernel)
                at = lambda out, each, y, x: weights[((out * shape[1] + each) * kernel + y) * kernel + x]
                known[output] = every(convolved(x, shape[0], stride, kernel, attributes["group"], at),
                                      lambda channel, value: value + bias[channel])
            elif kind == "Relu":
                known[output] = every(x, lambda _, value: max(0.0, value))
            elif kind == "GlobalAveragePool":
                known[output] = means(x)
            elif kind == "Flatten":
                known[output] = x
            elif kind == "Gemm":
                ((rows, columns), weights), (_, bias) = constants
                assert attributes["transB"] == 1 and columns == len(x)
                known[output] = [bias[row] + sum(weights[row * columns + i] * x[i] for i in range(columns))
                                 for row in range(rows)]
            else:
                raise AssertionError(f"an operator of another kind: {kind}")
        return known[self.wanted[0]]


def converted(checkpoint, folder):
    return subprocess.run([sys.executable, SCRIPT, checkpoint, folder], capture_output=True, text=True)


class OnnxModel(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def test_each_level_computes_what_its_checkpoint_says(self):
        for version in LAYERS:
            draw = random.Random(version)
            tensors = small_tensors(version, draw)
            file = self.folder / "small.rein"
            file.write_bytes(checkpoint_of(version, tensors))
            self.assertEqual(converted(file, self.folder).stderr, "")
            image = [[[draw.randrange(256) for _ in range(IMAGE[2])] for _ in range(IMAGE[1])] for _ in range(IMAGE[0])]
            for level, width in enumerate(WIDTHS):
                graph = Graph((self.folder / f"{width:.2f}.onnx").read_bytes())
                found, expected = graph.run(image), by_the_checkpoint(version, tensors, level, image)
                self.assertEqual(len(found), CLASSES)
                for a, b in zip(found, expected):
                    self.assertAlmostEqual(a, b, delta=1e-4 * max(map(abs, expected)))

    def test_the_shipped_network_has_four_levels_that_take_any_number_of_images(self):
        self.assertEqual(converted(SHIPPED, self.folder).stderr, "")
        for width in (0.25, 0.5, 0.75, 1.0):
            data = (self.folder / f"{width:.2f}.onnx").read_bytes()
            graph = Graph(data)
            self.assertEqual(graph.opset, 13)
            self.assertEqual(graph.given, ("pixels", ["N", 1, 28, 28]))
            self.assertEqual(graph.wanted, ("logits", ["N", 10]))
            shapes = [shape for shape, _ in graph.tensors.values() if len(shape) == 4]
            channels = [1] + [share_of(each, width) for each in (32, 64, 64, 128, 128)]
            self.assertEqual(shapes, [(out, each, 3, 3) for each, out in zip(channels, channels[1:])])
            # The same numbers lie in the file for onednn_by_hand.
            layers = (self.folder / f"{width:.2f}.layers").read_bytes()
            self.assertEqual(struct.unpack("<4I", layers[:16]), (1, 28, 28, 6))
            numbers = sum(len(values) for _, values in graph.tensors.values())
            self.assertEqual(len(layers), 16 + 6 * 20 + 4 * numbers)
            self.assertTrue(all(values.tobytes() in layers for _, values in graph.tensors.values()))

    def test_the_identity_takes_the_same_images_and_gives_a_number_a_class(self):
        converted(SHIPPED, self.folder)
        graph = Graph((self.folder / "identity.onnx").read_bytes())
        self.assertEqual(graph.given, ("pixels", ["N", 1, 28, 28]))
        self.assertEqual(graph.wanted, ("logits", ["N", 1, 1, 10]))
        self.assertEqual([kind for kind, *_ in graph.nodes], ["Slice"])

    def test_what_is_no_checkpoint_is_refused_in_one_line(self):
        whole = SHIPPED.read_bytes()
        file = self.folder / "bad.rein"
        for data, said in ((b"", "another kind of file"), (whole[:-5], "checksum"),
                           (whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], "checksum"),
                           (whole[:8] + struct.pack("<I", 99) + whole[12:], "found 99")):
            file.write_bytes(data)
            done = converted(file, self.folder / "none")
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertRegex(done.stderr, rf"\A{file}: expected .*{said}.*\n\Z")
            self.assertFalse((self.folder / "none").exists())
        done = converted(self.folder / "missing.rein", self.folder)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (3, 1))


if __name__ == "__main__":
    unittest.main()
