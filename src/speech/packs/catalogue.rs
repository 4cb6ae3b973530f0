//! The voices that can be installed. A new one is a constant here.

use app::model::Speaker::{self, Man, Woman};

use super::{Form, Pack, PackFile, PackVoice};
use crate::speech::neural::heart;

/// Where Heart's sisters are, beside their licence.
const HIBARI: &str = "https://huggingface.co/maureesewilliams/hibari/resolve/main/voices/";
/// Where Kokoro's network is, as whole numbers of eight bits.
const KOKORO: &str =
    "https://github.com/thewh1teagle/kokoro-onnx/releases/download/model-files-v1.0/";
/// Where Kokoro's voices are.
const KOKORO_VOICES: &str =
    "https://huggingface.co/onnx-community/Kokoro-82M-v1.0-ONNX/resolve/main/voices/";

/// All of them, the best of a language first.
pub static PACKS: [Pack; 6] = [KOKORO_82M, HEART, EMMA, FENRIR, FABLE, KORE];

/// The name of the voice whose files come with the program.
pub const BUNDLED: &str = "heart";

/// Heart, which comes with the program.
const HEART: Pack = Pack {
    name: BUNDLED,
    title: "Heart",
    form: Form::Heart,
    licence: "Apache-2.0",
    about: "https://huggingface.co/maureesewilliams/hibari",
    voices: &[PackVoice { own: "heart", name: "Heart", language: "en-us", speaker: Woman }],
    files: &[],
};

/// A sister of Heart: a network of the same form. Sizes and hashes are those of the registry that hibari 0.2.1
/// carries (`voices.json`).
const fn sister(
    name: &'static str,
    title: &'static str,
    voices: &'static [PackVoice],
    files: &'static [PackFile],
) -> Pack {
    Pack {
        name,
        title,
        form: Form::Heart,
        licence: "Apache-2.0",
        about: "https://huggingface.co/maureesewilliams/hibari",
        voices,
        files,
    }
}

const EMMA: Pack = sister(
    "heart-emma",
    "Emma",
    &[PackVoice { own: "emma", name: "Emma", language: "en-gb", speaker: Woman }],
    &[PackFile {
        name: heart::NETWORK_FILE,
        folder: HIBARI,
        published: "bf_emma.int8.onnx",
        bytes: 7_936_868,
        sha256: "f709f0488ee63b583a22189a955aaf4257b9806dd330be3490661e53af0a89c1",
    }],
);

const FENRIR: Pack = sister(
    "heart-fenrir",
    "Fenrir",
    &[PackVoice { own: "fenrir", name: "Fenrir", language: "en-us", speaker: Man }],
    &[PackFile {
        name: heart::NETWORK_FILE,
        folder: HIBARI,
        published: "am_fenrir_v2.int8.onnx",
        bytes: 8_031_158,
        sha256: "f59fbd87908c91f827bc21b1b89443757b9a8580db9eee20aa948deb731321f4",
    }],
);

const FABLE: Pack = sister(
    "heart-fable",
    "Fable",
    &[PackVoice { own: "fable", name: "Fable", language: "en-gb", speaker: Man }],
    &[PackFile {
        name: heart::NETWORK_FILE,
        folder: HIBARI,
        published: "bm_fable.int8.onnx",
        bytes: 7_936_868,
        sha256: "c28529302f2d27cd12f62625c24425888c4e3c2675583100ec530259136b8bc6",
    }],
);

const KORE: Pack = sister(
    "heart-kore",
    "Kore",
    &[PackVoice { own: "kore", name: "Kore", language: "en-us", speaker: Woman }],
    &[PackFile {
        name: heart::NETWORK_FILE,
        folder: HIBARI,
        published: "af_kore.int8.onnx",
        bytes: 7_936_868,
        sha256: "346885752673e45d42f9864c9e2432094bc4b6385df060d4b83273da764d2fa9",
    }],
);

/// The file that Kokoro's network is made of when it is installed.
pub const KOKORO_FILE: &str = "kokoro-v1.0.int8.onnx";

const fn kokoro_voice(published: &'static str, sha256: &'static str) -> PackFile {
    // 510 styles of 256 numbers.
    PackFile { name: published, folder: KOKORO_VOICES, published, bytes: 522_240, sha256 }
}

const fn american(own: &'static str, name: &'static str, speaker: Speaker) -> PackVoice {
    PackVoice { own, name, language: "en-us", speaker }
}

const fn british(own: &'static str, name: &'static str, speaker: Speaker) -> PackVoice {
    PackVoice { own, name, language: "en-gb", speaker }
}

/// Kokoro with those of its English voices that its makers give at least a C (`VOICES.md` beside the network), and
/// those of languages that espeak-ng reads for it.
/// Its name is not that of an engine which a person is likely to have added.
const KOKORO_82M: Pack = Pack {
    name: "kokoro-82m",
    title: "Kokoro",
    form: Form::Kokoro,
    licence: "Apache-2.0",
    about: "https://huggingface.co/hexgrad/Kokoro-82M",
    voices: &[
        american("af_heart", "Kokoro Heart", Woman),
        american("af_bella", "Kokoro Bella", Woman),
        american("af_nicole", "Kokoro Nicole", Woman),
        american("am_fenrir", "Kokoro Fenrir", Man),
        american("am_michael", "Kokoro Michael", Man),
        american("am_puck", "Kokoro Puck", Man),
        american("af_aoede", "Kokoro Aoede", Woman),
        american("af_kore", "Kokoro Kore", Woman),
        american("af_sarah", "Kokoro Sarah", Woman),
        american("af_alloy", "Kokoro Alloy", Woman),
        american("af_nova", "Kokoro Nova", Woman),
        british("bf_emma", "Kokoro Emma", Woman),
        british("bm_george", "Kokoro George", Man),
        british("bm_fable", "Kokoro Fable", Man),
        british("bf_isabella", "Kokoro Isabella", Woman),
        PackVoice { own: "ef_dora", name: "Kokoro Dora", language: "es", speaker: Woman },
        PackVoice { own: "em_alex", name: "Kokoro Alex", language: "es", speaker: Man },
        PackVoice { own: "ff_siwis", name: "Kokoro Siwis", language: "fr-fr", speaker: Woman },
        PackVoice { own: "if_sara", name: "Kokoro Sara", language: "it", speaker: Woman },
        PackVoice { own: "im_nicola", name: "Kokoro Nicola", language: "it", speaker: Man },
        PackVoice { own: "pf_dora", name: "Kokoro Dora", language: "pt-br", speaker: Woman },
        PackVoice { own: "pm_alex", name: "Kokoro Alex", language: "pt-br", speaker: Man },
    ],
    files: &[
        PackFile {
            name: KOKORO_FILE,
            folder: KOKORO,
            published: KOKORO_FILE,
            bytes: 92_361_271,
            sha256: "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
        },
        kokoro_voice(
            "af_heart.bin",
            "d583ccff3cdca2f7fae535cb998ac07e9fcb90f09737b9a41fa2734ec44a8f0b",
        ),
        kokoro_voice(
            "af_bella.bin",
            "f69d836209b78eb8c66e75e3cda491e26ea838a3674257e9d4e5703cbaf55c8b",
        ),
        kokoro_voice(
            "af_nicole.bin",
            "cd2191ab31b914ed7b318416b0e4440fdf392ddad9106a060819aa600a64f59a",
        ),
        kokoro_voice(
            "am_fenrir.bin",
            "c27989f741f7ee34d273a39d8a595cc0837d35f5ced9a29b7cc162614616df43",
        ),
        kokoro_voice(
            "am_michael.bin",
            "1d1f21dd8da39c30705cd4c75d039d265e9bc4a2a93ed09bc9e1b1225eb95ba1",
        ),
        kokoro_voice(
            "am_puck.bin",
            "fcf73c989033e9233e0b98713eca600c8c74dcc1614b37009d5450ff4a2274a0",
        ),
        kokoro_voice(
            "af_aoede.bin",
            "4a004c33430762e2461eedb2013fad808ef4ab3121f5300f554476caf58d8361",
        ),
        kokoro_voice(
            "af_kore.bin",
            "9be5221b6a941c04b561959b8ff0b06e809444dcc4ab7e75a7b23606f691819e",
        ),
        kokoro_voice(
            "af_sarah.bin",
            "4409fbc125afabacc615d94db5398d847006a737b0247d6892b7a9a0007a2f0a",
        ),
        kokoro_voice(
            "af_alloy.bin",
            "c4a6b876047fd7fb472edf4ebd63cfac7c3b958a7cae7c106e8f038ca6308c45",
        ),
        kokoro_voice(
            "af_nova.bin",
            "18778272caa0d0eebaea251c35fd635f038434f9eee5e691d02a174bd328414f",
        ),
        kokoro_voice(
            "bf_emma.bin",
            "669fe0647f9dd04fcab92f1439a40eeb4c8b4ab1f82e4996fe3d918ce4a63b73",
        ),
        kokoro_voice(
            "bm_george.bin",
            "c4b235a4c1f2cd3b939fed08b899ce9385638b763f7b73a59616c4fc9bd6c9bc",
        ),
        kokoro_voice(
            "bm_fable.bin",
            "f889083196807b4adb15e9204252165f503b8d33d3982e681c52443c49d798f1",
        ),
        kokoro_voice(
            "bf_isabella.bin",
            "3754352c4aaa46d17f27654ab7518d65b62ad6163a0f55a5f4330c2da2c4e94f",
        ),
        kokoro_voice(
            "ef_dora.bin",
            "f66ec66bd295acb18372e37008533a9a3228483ccd294e7538d5d9294ac9a532",
        ),
        kokoro_voice(
            "em_alex.bin",
            "27809e9eafdcbcfff90a3016c697568676531de2a2c39cee29c96c7bd6b83e95",
        ),
        kokoro_voice(
            "ff_siwis.bin",
            "a35f5675ad08948e326ae75fd0ea16ba5d0042e4f76b5f3d1df77d0a48c54861",
        ),
        kokoro_voice(
            "if_sara.bin",
            "409b69248798fcdc2542330c76953d230710f19b057e59cb82fdc3c4cf71265c",
        ),
        kokoro_voice(
            "im_nicola.bin",
            "bc578e510d52a96d6940d46f12e96d7b3df00905dbea075113226d100e6e1ab0",
        ),
        kokoro_voice(
            "pf_dora.bin",
            "3da7b5b2d91847ebf5646f57631af6ececae3c29a89cd300f06edf9aa6cfe9ee",
        ),
        kokoro_voice(
            "pm_alex.bin",
            "0175c753f59c54e7fd5a995bedef0c5ff2fb67e0043dd3dcb2ae74ec2acbeb2a",
        ),
    ],
};
