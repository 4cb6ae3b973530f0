//! Sentence splitting against the library it stands on: the whole cost of everything on top.
#![allow(missing_docs, reason = "criterion's macro makes a public function")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use earmark::text::language::LanguageRules;
use earmark::text::sentence::{limit_length, split_sentences};
use unicode_segmentation::UnicodeSegmentation;

/// About 500 kB of prose with dialogue, abbreviations and numbers.
fn prose() -> Vec<String> {
    const PARAGRAPHS: [&str; 3] = [
        "Mr. Alder looked up. “Where,” he asked, “is the lamp?” Nobody said a word; the clock on \
         the wall, which had stopped at 5 p.m. on the day they came, was the only thing that had \
         not moved since. It had cost $4.50 at the fair in St. Ives.",
        "They walked for a long time without speaking. The road was white, and the hedges on both \
         sides of it were full of small birds that fell silent as they passed, and began again \
         behind them, so that they seemed to walk in a quiet room of their own making.",
        "“No. 7,” she said. “It is always no. 7!” And with that she laughed, e.g. as one laughs at \
         an old joke… then she closed the door. See p. 55 for the rest.",
    ];
    PARAGRAPHS.into_iter().cycle().take(2_200).map(str::to_owned).collect()
}

fn sentences(criterion: &mut Criterion) {
    let paragraphs = prose();
    let bytes: usize = paragraphs.iter().map(String::len).sum();
    let rules = LanguageRules::for_tag("en");
    let mut group = criterion.benchmark_group("sentences");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("earmark", |bencher| {
        bencher.iter(|| {
            let split = |text: &String| limit_length(text, split_sentences(text, rules)).len();
            paragraphs.iter().map(split).sum::<usize>()
        });
    });
    group.bench_function("unicode-segmentation", |bencher| {
        bencher.iter(|| {
            paragraphs.iter().map(|text| text.split_sentence_bounds().count()).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, sentences);
criterion_main!(benches);
