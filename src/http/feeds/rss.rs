//! Podcasts as RSS 2.0, with what Apple's podcasts and Podcasting 2.0 add.

use std::time::SystemTime;

use quick_xml::events::BytesText;

use super::super::xml::{self, Xml, empty, text};
use crate::narration::stream::Recording;

/// Namespaces of what is added to RSS.
const NAMESPACES: [(&str, &str); 4] = [
    ("version", "2.0"),
    ("xmlns:itunes", "http://www.itunes.com/dtds/podcast-1.0.dtd"),
    ("xmlns:podcast", "https://podcastindex.org/namespace/1.0"),
    ("xmlns:atom", "http://www.w3.org/2005/Atom"),
];

/// A podcast.
pub(super) struct Podcast {
    pub(super) title: String,
    pub(super) byline: String,
    /// Empty for several.
    pub(super) language: String,
    /// Its picture, below the address of the feed, as all files here.
    pub(super) image: Option<String>,
    /// Whether it is heard in order, as a book is.
    pub(super) is_serial: bool,
    pub(super) episodes: Vec<Episode>,
}

/// One of its episodes.
pub(super) struct Episode {
    /// The same for the same chapter, always.
    pub(super) guid: String,
    pub(super) title: String,
    /// Where it stands, if the podcast is heard in order.
    pub(super) number: Option<u32>,
    pub(super) image: Option<String>,
    pub(super) sound: String,
    pub(super) transcript: String,
    pub(super) published: SystemTime,
    pub(super) recording: Recording,
}

/// Where the feed is, and the site.
pub(super) struct Addresses {
    pub(super) own: String,
    pub(super) site: String,
}

impl Addresses {
    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.own)
    }
}

impl Podcast {
    /// As RSS.
    pub(super) fn rss(&self, at: &Addresses) -> std::io::Result<String> {
        xml::document(|xml| {
            let root = xml.create_element("rss").with_attributes(NAMESPACES);
            root.write_inner_content(|xml| {
                let channel = xml.create_element("channel");
                channel.write_inner_content(|xml| {
                    self.about(xml, at)?;
                    self.episodes.iter().try_for_each(|episode| episode.write(xml, at))
                })?;
                Ok(())
            })?;
            Ok(())
        })
    }

    fn about(&self, xml: &mut Xml, at: &Addresses) -> std::io::Result<()> {
        let Self { title, byline, language, .. } = self;
        text(xml, "title", title)?;
        // The address of the feed is nobody else's business; apps show this one.
        text(xml, "link", &at.site)?;
        let description =
            if title == byline { title.clone() } else { format!("{title} · {byline}") };
        text(xml, "description", &description)?;
        if !language.is_empty() {
            text(xml, "language", language)?;
        }
        text(xml, "itunes:author", byline)?;
        text(xml, "itunes:type", if self.is_serial { "serial" } else { "episodic" })?;
        text(xml, "itunes:block", "Yes")?;
        text(xml, "itunes:explicit", "false")?;
        text(xml, "podcast:medium", "audiobook")?;
        let link = [("href", at.own.as_str()), ("rel", "self"), ("type", "application/rss+xml")];
        empty(xml, "atom:link", &link)?;
        image(xml, self.image.as_deref(), at)
    }
}

impl Episode {
    fn write(&self, xml: &mut Xml, at: &Addresses) -> std::io::Result<()> {
        let (sound, transcript) = (at.file(&self.sound), at.file(&self.transcript));
        let length = self.recording.bytes.to_string();
        xml.create_element("item").write_inner_content(|xml| {
            text(xml, "title", &self.title)?;
            let guid = xml.create_element("guid").with_attribute(("isPermaLink", "false"));
            guid.write_text_content(BytesText::new(&self.guid))?;
            text(xml, "pubDate", &httpdate::fmt_http_date(self.published))?;
            if let Some(number) = self.number {
                text(xml, "itunes:episode", &number.to_string())?;
            }
            let seconds = self.recording.duration().as_secs();
            text(xml, "itunes:duration", &seconds.to_string())?;
            image(xml, self.image.as_deref(), at)?;
            let enclosure = [("url", &*sound), ("length", &*length), ("type", "audio/mpeg")];
            empty(xml, "enclosure", &enclosure)?;
            let transcript = [("url", &*transcript), ("type", "text/vtt")];
            empty(xml, "podcast:transcript", &transcript)
        })?;
        Ok(())
    }
}

fn image(xml: &mut Xml, image: Option<&str>, at: &Addresses) -> std::io::Result<()> {
    let Some(image) = image else { return Ok(()) };
    empty(xml, "itunes:image", &[("href", &at.file(image))])
}
