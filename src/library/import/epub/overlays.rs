//! Media overlays: which passages of a document are heard where (EPUB 3.3, section 9, a profile of SMIL 3.0).

use std::collections::{HashMap, HashSet};

use app::model::WarningKind;

use super::container::{Entry, Unreadable};
use super::{Reader, xml};
use crate::library::import::ImportError;
use crate::library::import::encoding::decode_markup;
use crate::library::import::limits::{MAX_DOCUMENT_BYTES, MAX_OVERLAY_MS, MAX_OVERLAYS};
use crate::library::manuscript::{HeardPassage, SourceDocument};
use crate::library::paths::{fragment, join};

/// The names of sounds that were written, by their paths; none for one that is not there.
type Sounds = HashMap<String, Option<String>>;

impl Reader {
    /// Has documents know which of their passages are heard where, and writes the sounds. Says who reads them, if
    /// somebody does.
    pub(super) fn overlays(
        &mut self,
        documents: &mut [SourceDocument],
    ) -> Result<Option<String>, ImportError> {
        let of_document: HashMap<Entry, usize> = documents
            .iter()
            .enumerate()
            .filter_map(|(at, document)| Some((self.container.find(&document.path)?, at)))
            .collect();
        let named: HashSet<usize> =
            self.package.items.iter().filter_map(|item| item.overlay).collect();
        let mut in_order: Vec<usize> = named.into_iter().collect();
        in_order.sort_unstable();
        let mut sounds = Sounds::new();
        let mut count = 0;
        for item in in_order {
            let path = self.package.items[item].path.clone();
            let Some(entry) = self.container.find(&path) else {
                self.warnings.add(WarningKind::Missing, &path);
                continue;
            };
            let Some(content) = self.content(entry, MAX_DOCUMENT_BYTES) else { continue };
            let (root, is_whole) = xml::parse(&decode_markup(&content.bytes).text);
            if content.is_damaged || !is_whole {
                self.warnings.add(WarningKind::Damaged, &path);
            }
            for Passage { document, mut heard } in passages(&path, &root) {
                let entry = self.container.find(&document);
                let Some(at) = entry.and_then(|entry| of_document.get(&entry)) else { continue };
                count += 1;
                if count > MAX_OVERLAYS {
                    return Err(ImportError::TooMany {
                        what: "passages that are heard",
                        most: MAX_OVERLAYS,
                    });
                }
                if let Some(name) = self.sound(&heard.file, &mut sounds)? {
                    heard.file = name;
                    documents[*at].heard.push(heard);
                }
            }
        }
        let is_heard = documents.iter().any(|document| !document.heard.is_empty());
        Ok(is_heard.then(|| self.package.narrator.clone()))
    }

    /// Writes a sound that its overlays name by a path, and gives it a name that is as long as names of ours are.
    fn sound(&mut self, path: &str, sounds: &mut Sounds) -> Result<Option<String>, ImportError> {
        if let Some(known) = sounds.get(path) {
            return Ok(known.clone());
        }
        let name = sounds.values().flatten().count().to_string();
        let written = match self.container.find(path) {
            Some(entry) => {
                let container = &mut self.container;
                self.files.write_sound(&name, |to| container.copy(entry, to))?
            }
            None => {
                self.warnings.add(WarningKind::Missing, path);
                sounds.insert(path.to_owned(), None);
                return Ok(None);
            }
        };
        match written {
            Ok(()) => {}
            Err(Unreadable::Damaged) => self.warnings.add(WarningKind::Damaged, path),
            Err(Unreadable::TooLarge) => self.warnings.add(WarningKind::TooLarge, path),
        }
        let name = written.is_ok().then_some(name);
        sounds.insert(path.to_owned(), name.clone());
        Ok(name)
    }
}

/// One passage of an overlay, with the document that it is of as the overlay refers to it.
#[derive(Debug, PartialEq, Eq)]
struct Passage {
    /// Path of the document.
    document: String,
    /// What is heard.
    heard: HeardPassage,
}

/// The passages of an overlay that lies at `path`, in order. What has no text or no sound is left out.
fn passages(path: &str, document: &xml::Element) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    for element in document.descendants("par") {
        let text = element.child("text").and_then(|text| text.attribute("src"));
        let sound = element.child("audio");
        let (Some(text), Some(sound)) = (text, sound) else { continue };
        let Some(file) = sound.attribute("src") else { continue };
        let Some(id) = fragment(text) else { continue };
        let begin = sound.attribute("clipbegin").map_or(Some(0), clock);
        let Some(begin_ms) = begin else { continue };
        let end_ms = sound.attribute("clipend").and_then(clock);
        if end_ms.is_some_and(|end| end <= begin_ms || end - begin_ms > MAX_OVERLAY_MS) {
            continue;
        }
        let file = join(path, file);
        // One that does not say when it ends does where the next begins.
        if let Some(last) = passages.last_mut()
            && last.heard.end_ms.is_none()
            && last.heard.file == file
            && last.heard.begin_ms < begin_ms
        {
            last.heard.end_ms = Some(begin_ms);
        }
        let heard = HeardPassage { id, file, begin_ms, end_ms };
        passages.push(Passage { document: join(path, text), heard });
    }
    passages
}

/// A clock value of SMIL 3.0 (section 5.4.1) in milliseconds: `0:01:02.5`, `62.5s`, `1.5min`, `2h`, `500ms`, `62.5`.
fn clock(text: &str) -> Option<u32> {
    let text = text.trim();
    // The longer names come first: “ms” ends like “s”.
    let units = [("ms", 1.0), ("min", 60_000.0), ("h", 3_600_000.0), ("s", 1000.0)];
    let named = units.iter().find_map(|(name, ms)| Some((text.strip_suffix(name)?, *ms)));
    let ms = match named {
        Some((number, unit)) => positive(number)? * unit,
        None => {
            let parts = text.split(':').map(positive).collect::<Option<Vec<_>>>()?;
            if parts.len() > 3 {
                return None;
            }
            parts.iter().fold(0.0, |sum, part| sum * 60.0 + part) * 1000.0
        }
    };
    (ms <= f64::from(u32::MAX)).then_some(ms.round() as u32)
}

fn positive(number: &str) -> Option<f64> {
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    number.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::import::epub::xml;

    #[test]
    fn clock_values_are_those_of_smil() {
        for (text, ms) in [
            ("0:01:02.5", 62_500),
            ("02:33", 153_000),
            ("62.5s", 62_500),
            ("62.5", 62_500),
            ("1.5min", 90_000),
            ("2h", 7_200_000),
            ("500ms", 500),
            (" 7.4485s ", 7449),
            ("24:00:00", 86_400_000),
        ] {
            assert_eq!(clock(text), Some(ms), "{text}");
        }
        for wrong in ["", "x", "-1s", "1:2:3:4", "inf", "NaN", "1e5", "99999999h", ":"] {
            assert_eq!(clock(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn passages_say_what_is_heard_where() {
        let source = "<smil><body><seq epub:textref='../a.xhtml'>\
             <par><text src='../a.xhtml#s1'/><audio src='m.mp3' clipBegin='0s' clipEnd='1.5s'/></par>\
             <seq><par><text src='../a.xhtml#s%202'/><audio src='m.mp3' clipBegin='1.5s'/></par></seq>\
             <par><text src='../a.xhtml#s3'/><audio src='m.mp3' clipBegin='4s'/></par>\
             <par><text src='../a.xhtml#s4'/></par>\
             <par><text src='../a.xhtml'/><audio src='m.mp3'/></par>\
             <par><text src='../a.xhtml#s5'/><audio src='m.mp3' clipBegin='9s' clipEnd='8s'/></par>\
             </seq></body></smil>";
        let found = passages("OPS/sound/a.smil", &xml::parse(source).0);
        let told: Vec<_> = found
            .iter()
            .map(|one| (&*one.heard.id, one.heard.begin_ms, one.heard.end_ms))
            .collect();
        assert_eq!(told, [("s1", 0, Some(1500)), ("s 2", 1500, Some(4000)), ("s3", 4000, None)]);
        assert!(found.iter().all(|one| one.document == "OPS/a.xhtml"));
        assert!(found.iter().all(|one| one.heard.file == "OPS/sound/m.mp3"));
    }
}
