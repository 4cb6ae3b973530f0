//! What can be heard in samples.
#![allow(dead_code, reason = "each test file uses its part")]

/// Sentences with rests in them, after which a word begins that can be seen in the sound.
pub const WITH_RESTS: [&str; 10] = [
    "Bread, cheese, butter, and a bottle of wine stood on the table.",
    "Well, Tom, perhaps you can tell us, before we go, where the key is.",
    "First, put on your coat; then, take the basket; then, come down.",
    "Peter, Paul, Dora, Bill, and Kate were there.",
    "Yes, certainly, but think, please, of the cost.",
    "To begin, to doubt, to continue: that is what people do.",
    "Down the hill, past the bridge, towards the town, they drove.",
    "Day after day, turn by turn, bit by bit, it came together.",
    "“Go,” he cried, “bring the doctor, take the carriage, tell nobody!”",
    "Cold, dark, bitter, the tea could not be drunk; Ben tried, though.",
];

/// How loud samples are, as the mean of their squares, in dB.
pub fn level(samples: &[f32]) -> f64 {
    let power = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
    10.0 * (power / samples.len() as f64).log10()
}

/// When sound of 24,000 samples a second begins after at least 60 ms of silence, in milliseconds: 5 ms of it are
/// silent when their level is 35 dB below that of the whole.
pub fn onsets(samples: &[f32]) -> Vec<f64> {
    let silent = level(samples) - 35.0;
    let mut quiet = 0;
    let mut onsets = Vec::new();
    for (at, part) in samples.chunks(120).enumerate() {
        if level(part) < silent {
            quiet += 1;
            continue;
        }
        if quiet >= 12 {
            onsets.push(at as f64 * 5.0);
        }
        quiet = 0;
    }
    onsets
}

/// How far each onset is from the nearest beginning of a word, in milliseconds, the least first.
pub fn errors(samples: &[f32], words_ms: &[u32]) -> Vec<f64> {
    let nearest = |onset: f64| {
        let starts = words_ms.iter().map(|start| (f64::from(*start) - onset).abs());
        starts.min_by(f64::total_cmp)
    };
    let mut errors: Vec<f64> = onsets(samples).into_iter().filter_map(nearest).collect();
    errors.sort_by(f64::total_cmp);
    errors
}
