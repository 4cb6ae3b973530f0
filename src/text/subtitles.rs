//! Sentences with their times, as players of sound and pictures read them: WebVTT (W3C), SubRip and LRC.

/// How subtitles are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubtitleForm {
    /// WebVTT.
    Vtt,
    /// SubRip.
    Srt,
    /// LRC, which says when lines begin and not when they end.
    Lrc,
}

/// A sentence and when it is heard, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cue {
    /// Its place in the chapter, from 0.
    pub sentence: usize,
    /// When it begins.
    pub start_ms: u64,
    /// When it ends.
    pub end_ms: u64,
    /// What is said.
    pub text: String,
}

impl SubtitleForm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Vtt, Self::Srt, Self::Lrc];

    /// Its name, and how files of it end.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vtt => "vtt",
            Self::Srt => "srt",
            Self::Lrc => "lrc",
        }
    }

    /// The form with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// The media type of files of it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Srt => "application/x-subrip; charset=utf-8",
            Self::Lrc => "text/plain; charset=utf-8",
        }
    }

    /// Cues in this form.
    pub fn write(self, cues: &[Cue]) -> String {
        let mut text = if self == Self::Vtt { "WEBVTT\n\n".to_owned() } else { String::new() };
        for (number, cue) in (1..).zip(cues) {
            let said = one_line(&cue.text);
            match self {
                Self::Vtt => {
                    let (start, end) = (time(cue.start_ms, '.'), time(cue.end_ms, '.'));
                    text += &format!("{start} --> {end}\n{}\n\n", escaped(&said));
                }
                Self::Srt => {
                    let (start, end) = (time(cue.start_ms, ','), time(cue.end_ms, ','));
                    text += &format!("{number}\n{start} --> {end}\n{said}\n\n");
                }
                Self::Lrc => {
                    let hundredths = cue.start_ms / 10;
                    let (minutes, rest) = (hundredths / 6000, hundredths % 6000);
                    text += &format!("[{minutes:02}:{:02}.{:02}]{said}\n", rest / 100, rest % 100);
                }
            }
        }
        text
    }
}

/// An empty line would end a cue.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is markup in WebVTT (section 6.4), and the arrow, which ends a cue.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn time(ms: u64, point: char) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{:03}", ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_as_its_players_read_it() {
        let cues = [
            Cue { sentence: 0, start_ms: 0, end_ms: 1959, text: "One\n\n<b>& two</b>.".to_owned() },
            Cue { sentence: 1, start_ms: 3_725_007, end_ms: 3_726_000, text: "a --> b".to_owned() },
        ];
        assert_eq!(
            SubtitleForm::Vtt.write(&cues),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.959\nOne &lt;b&gt;&amp; two&lt;/b&gt;.\n\n\
             01:02:05.007 --> 01:02:06.000\na --&gt; b\n\n"
        );
        assert!(
            SubtitleForm::Srt.write(&cues).starts_with("1\n00:00:00,000 --> 00:00:01,959\nOne ")
        );
        assert!(SubtitleForm::Lrc.write(&cues).ends_with("[62:05.00]a --> b\n"));
    }
}
