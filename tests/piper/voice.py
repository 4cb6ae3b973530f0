"""Makes a voice for Piper that hums as long as a text has phonemes: real files for the real server."""

import json
import sys

import numpy
import onnx
from onnx import TensorProto, helper

RATE = 22050
SAMPLES_A_PHONEME = 1500


def constant(name, values, kind):
    values = numpy.array(values)
    return helper.make_node(
        "Constant", [], [name], value=helper.make_tensor(name, kind, values.shape, values.flatten().tolist())
    )


def main(path):
    nodes = [
        constant("phoneme", SAMPLES_A_PHONEME, TensorProto.INT64),
        constant("zero", 0, TensorProto.INT64),
        constant("one", 1, TensorProto.INT64),
        constant("axis", [0], TensorProto.INT64),
        constant("step", 2 * numpy.pi * 220 / RATE, TensorProto.FLOAT),
        constant("loudness", 0.3, TensorProto.FLOAT),
        constant("shape", [1, 1, 1, -1], TensorProto.INT64),
        helper.make_node("Squeeze", ["input_lengths", "axis"], ["count"]),
        helper.make_node("Mul", ["count", "phoneme"], ["total"]),
        helper.make_node("Range", ["zero", "total", "one"], ["places"]),
        helper.make_node("Cast", ["places"], ["times"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["times", "step"], ["angles"]),
        helper.make_node("Sin", ["angles"], ["wave"]),
        helper.make_node("Mul", ["wave", "loudness"], ["hum"]),
        helper.make_node("Reshape", ["hum", "shape"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "hum",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, None]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, None])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    phonemes = " _^$!'(),-.:;?abcdefhijklmnopqrstuvwxyzæçðøħŋœǀɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʘʙʛʜʝʟʡʢʲˈˌːˑ˞βθχᵻⱱ"
    config = {
        "audio": {"sample_rate": RATE, "quality": "hum"},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {phoneme: [number] for number, phoneme in enumerate(phonemes)},
        "num_symbols": 256,
        "num_speakers": 1,
        "speaker_id_map": {},
        "piper_version": "1.0.0",
    }
    with open(path + ".json", "w", encoding="utf-8") as file:
        json.dump(config, file)


main(sys.argv[1])
