//! What `earmark voices` is told.

use clap::{Args, Subcommand};

use super::DataConfig;
use crate::voices::settings::{EngineSettings, Kind, Wire};

/// What `voices` needs to know.
#[derive(Debug, Clone, Args)]
pub struct VoicesConfig {
    /// What to do.
    #[command(subcommand)]
    pub action: VoicesAction,
    /// Where they are kept.
    #[command(flatten)]
    pub data: DataConfig,
}

/// What can be done with engines.
#[derive(Debug, Clone, Subcommand)]
pub enum VoicesAction {
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
        #[arg(long, default_value = crate::voices::engines::TEST_SENTENCE)]
        text: String,
        /// Write the MP3 here
        #[arg(long, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
    },
    /// Remove an engine; what it has spoken stays
    Remove {
        /// The engine
        name: String,
    },
}

/// An engine to be added.
#[derive(Debug, Clone, Args)]
pub struct AddConfig {
    /// What it is called: lower-case letters, digits and hyphens
    pub name: String,
    /// What it speaks
    #[arg(long, value_enum)]
    pub kind: Kind,
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
    pub wire: Option<Wire>,
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
    /// Ask it when each word begins (ElevenLabs, Kokoro-FastAPI)
    #[arg(long)]
    pub words: bool,
}

impl AddConfig {
    /// The engine as it is to be.
    pub fn settings(&self) -> EngineSettings {
        let usual = EngineSettings::new(&self.name, self.kind);
        let voices = self.voices.iter().map(|voice| usual.voice(voice)).collect();
        EngineSettings {
            url: self.url.clone().unwrap_or(usual.url),
            model: self.model.clone().unwrap_or(usual.model),
            voices,
            wire: self.wire.unwrap_or(usual.wire),
            sample_rate: self.sample_rate.unwrap_or(usual.sample_rate),
            speed: self.speed.unwrap_or(usual.speed),
            price: self.price.unwrap_or(usual.price),
            concurrency: self.concurrency.unwrap_or(usual.concurrency),
            context: self.context,
            words: self.words,
            ..usual
        }
    }
}
