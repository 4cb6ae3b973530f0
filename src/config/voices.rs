//! Arguments of `earmark voices`.

use app::model::Budget;
use clap::{Args, Subcommand};

use super::{BuiltInConfig, DataConfig};
use crate::audio::AudioFormat;
use crate::speech::registry;
use crate::speech::settings::{EngineSettings, Kind, TimeLimits};

/// What `voices` needs to know.
#[derive(Debug, Clone, Args)]
pub struct VoicesConfig {
    /// What to do.
    #[command(subcommand)]
    pub action: VoicesAction,
    /// Where they are kept.
    #[command(flatten)]
    pub data: DataConfig,
    /// Those that are installed.
    #[command(flatten)]
    pub built_in: BuiltInConfig,
}

/// What can be done with engines.
#[derive(Debug, Clone, Subcommand)]
pub enum VoicesAction {
    /// List the natural voices that can be installed
    Available {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Install a natural voice on this machine; what has come of it before is gone on with
    Install {
        /// Its name, as `available` lists it
        name: String,
        /// A file or folder with its files, instead of fetching them
        #[arg(long, value_name = "PATH")]
        from: Option<std::path::PathBuf>,
    },
    /// List engines and their voices
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add an engine, or change one of the same name
    Add(AddConfig),
    /// Have an engine speak a sentence, into a file or just to see whether it does
    Test {
        /// The engine
        name: String,
        /// One of its voices, by its own name [default: its first]
        #[arg(long, value_name = "VOICE")]
        voice: Option<String>,
        /// What to say
        #[arg(long, default_value = crate::speech::engines::TEST_SENTENCE)]
        text: String,
        /// Write the MP3 here
        #[arg(long, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
    },
    /// Remove an engine, or a natural voice that was installed; what it has spoken stays
    Remove {
        /// The engine or voice
        name: String,
    },
}

/// An engine to be added.
#[derive(Debug, Clone, Args)]
pub struct AddConfig {
    /// What it is called: lower-case letters, digits and hyphens
    pub name: String,
    /// What it speaks: openai, elevenlabs, piper or command
    #[arg(long, value_parser = kind)]
    pub kind: &'static Kind,
    /// Where it is [default: where its makers serve it]; of a command, its command line, in which
    /// {voice} and {speed} stand for those
    #[arg(long)]
    pub url: Option<String>,
    /// The file its key is in; without it the key is read from EARMARK_ENGINE_KEY
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<std::path::PathBuf>,
    /// Its key; in a variable, because other users of the machine see arguments
    #[arg(long = "key", env = "EARMARK_ENGINE_KEY", hide = true, hide_env_values = true)]
    pub key: Option<String>,
    /// The model [default: what its makers offer]
    #[arg(long)]
    pub model: Option<String>,
    /// A voice, and after a space its language, e.g. "de_DE-thorsten-high de"; may be repeated
    /// [default: those the service lists]
    #[arg(long = "voice", value_name = "VOICE")]
    pub voices: Vec<String>,
    /// The form in which it is asked for sound
    #[arg(long, value_enum)]
    pub wire: Option<AudioFormat>,
    /// Samples a second of what it returns
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,
    /// Its own rate, 0.25 to 4
    #[arg(long)]
    pub speed: Option<f64>,
    /// What a million characters cost
    #[arg(long)]
    pub price: Option<f64>,
    /// Requests at once, of all servers and workers together
    #[arg(long, value_name = "N")]
    pub concurrency: Option<u16>,
    /// Tell it what is said before and after a sentence (ElevenLabs): it speaks better, and a sentence
    /// costs once for each neighbourhood it stands in
    #[arg(long)]
    pub context: bool,
    /// How it is to speak, in words, e.g. "like a calm storyteller" (OpenAI)
    #[arg(long, value_name = "WORDS", default_value_t)]
    pub instructions: String,
    /// Ask it when each word begins (ElevenLabs, Kokoro-FastAPI)
    #[arg(long)]
    pub words: bool,
    /// Seconds it may take until the first byte of its answer
    #[arg(long, value_name = "SECONDS")]
    pub first_byte_seconds: Option<u16>,
    /// Seconds it may take for a sentence in all
    #[arg(long, value_name = "SECONDS")]
    pub total_seconds: Option<u16>,
    /// Characters it may speak a day [default: without limit]
    #[arg(long, value_name = "N", default_value_t)]
    pub day_characters: u64,
    /// Characters it may speak a month [default: without limit]
    #[arg(long, value_name = "N", default_value_t)]
    pub month_characters: u64,
    /// Money it may cost a day, in the currency of the price [default: without limit]
    #[arg(long, value_name = "MONEY", default_value_t)]
    pub day_money: f64,
    /// Money it may cost a month [default: without limit]
    #[arg(long, value_name = "MONEY", default_value_t)]
    pub month_money: f64,
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    let names = registry::KINDS.map(|kind| kind.name).join(", ");
    registry::kind(name).ok_or_else(|| format!("it is none of {names}"))
}

impl AddConfig {
    /// The engine as it is to be.
    pub fn settings(&self) -> EngineSettings {
        let default = EngineSettings::new(&self.name, self.kind);
        let voices = self.voices.iter().map(|voice| default.voice(voice)).collect();
        EngineSettings {
            url: self.url.clone().unwrap_or(default.url),
            model: self.model.clone().unwrap_or(default.model),
            voices,
            wire: self.wire.unwrap_or(default.wire),
            sample_rate: self.sample_rate.unwrap_or(default.sample_rate),
            speed: self.speed.unwrap_or(default.speed),
            price: self.price.unwrap_or(default.price),
            concurrency: self.concurrency.unwrap_or(default.concurrency),
            context: self.context,
            words: self.words,
            instructions: self.instructions.trim().to_owned(),
            time_limits: TimeLimits {
                first_byte: self.first_byte_seconds.unwrap_or(default.time_limits.first_byte),
                total: self.total_seconds.unwrap_or(default.time_limits.total),
            },
            budget: Budget {
                characters_a_day: self.day_characters,
                characters_a_month: self.month_characters,
                money_a_day: self.day_money,
                money_a_month: self.month_money,
            },
            ..default
        }
    }
}

/// What the child process is told that speaks.
#[derive(Debug, Clone, Args)]
pub struct VoiceWorkerConfig {
    /// The folder of the voice
    pub folder: std::path::PathBuf,
    /// The folder with what is needed to read
    pub reader: std::path::PathBuf,
    /// Sentences spoken at once
    #[arg(long, default_value_t = 1)]
    pub parallel: usize,
    /// The language of the first sentence, by which is known what to load at once
    #[arg(long, value_name = "TAG")]
    pub first: Option<String>,
}

/// What the child process is told that makes a voice's network ready.
#[derive(Debug, Clone, Args)]
pub struct PrepareVoiceConfig {
    /// The network as it was published
    pub from: std::path::PathBuf,
    /// Where to write it
    pub to: std::path::PathBuf,
}
