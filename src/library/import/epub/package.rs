//! The package document of an EPUB (EPUB 3.3, section 5; OPF 2.0.1 before it): what the book is called,
//! which files it has, and in which order they are read.

use std::collections::HashMap;

use super::super::xml::Element;
use crate::library::import::ImportError;
use crate::library::import::limits::MAX_ITEMS;
use crate::library::import::names;
use crate::library::paths::join;

/// Most places that a guide may name.
const MAX_LANDMARKS: usize = 100;

/// What a package says.
#[derive(Debug, Default)]
pub struct Package {
    /// Its own path.
    pub path: String,
    /// The main title; empty when it has none.
    pub title: String,
    /// Creators in the order given.
    pub authors: Vec<String>,
    /// The first language it names.
    pub language: Option<String>,
    /// The manifest.
    pub items: Vec<Item>,
    /// Indexes into [`items`](Self::items) in reading order, and whether the reader passes there on the way.
    pub spine: Vec<(usize, bool)>,
    /// Pages turn from right to left.
    pub is_right_to_left: bool,
    /// Path of the table of contents of EPUB 2 that the spine names.
    pub ncx: Option<String>,
    /// Paths of what may be the cover picture or the page it stands on, the most telling first.
    pub covers: Vec<String>,
    /// Who reads it aloud, by the book's own account; empty when it does not say.
    pub narrator: String,
    /// The series that it is of, if it names one.
    pub series: Option<String>,
    /// Paths of documents that the guide of EPUB 2 says something of, and what it says.
    pub guide: Vec<(String, String)>,
    by_id: HashMap<String, usize>,
}

/// One file of the manifest.
#[derive(Debug)]
pub struct Item {
    /// Its path as it is referred to, not decoded.
    pub path: String,
    /// Media type in lower case; empty when not declared.
    pub media_type: String,
    /// The item that is shown where this one cannot be, by its index.
    pub fallback: Option<usize>,
    /// The item that says where its passages are heard, by its index.
    pub overlay: Option<usize>,
    /// `nav`, `cover-image` and so on.
    properties: String,
}

impl Item {
    /// Whether its type is one of markup, or none at all.
    pub fn is_markup(&self) -> bool {
        self.media_type.is_empty()
            || self.media_type.contains("html")
            || self.media_type.contains("dtbook")
            || self.media_type.contains("oeb1-document")
            || matches!(self.media_type.as_str(), "text/xml" | "application/xml")
    }

    /// Whether it has a property such as `nav`.
    pub fn has_property(&self, name: &str) -> bool {
        self.properties.split_whitespace().any(|property| property == name)
    }
}

impl Package {
    /// Reads a package document that lies at `path`.
    pub fn read(path: &str, document: &Element) -> Result<Self, ImportError> {
        let mut package = Self { path: path.to_owned(), ..Self::default() };
        package.manifest(document)?;
        package.spine(document)?;
        package.metadata(document);
        package.covers = package.cover_paths(document);
        let references = document.descendants("reference").into_iter();
        let guide = references.filter_map(|reference| {
            // A place within a document says nothing of the whole.
            let href = reference.attribute("href").filter(|href| !href.contains('#'))?;
            Some((join(path, href), reference.attribute("type")?.to_lowercase()))
        });
        package.guide = guide.take(MAX_LANDMARKS).collect();
        Ok(package)
    }

    /// The spine; where it names nothing, all documents of the manifest in its order.
    pub fn reading_order(&self) -> Vec<(usize, bool)> {
        if !self.spine.is_empty() {
            return self.spine.clone();
        }
        let items = self.items.iter().enumerate();
        let documents = items.filter(|(_, item)| {
            item.is_markup() && !item.media_type.is_empty() && !item.has_property("nav")
        });
        documents.map(|(index, _)| (index, true)).collect()
    }

    /// The first item with a property.
    pub fn item_with(&self, property: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.has_property(property))
    }

    fn manifest(&mut self, document: &Element) -> Result<(), ImportError> {
        let manifest = document.descendant("manifest");
        let mut others = Vec::new();
        for element in manifest.into_iter().flat_map(|manifest| manifest.children("item")) {
            if self.items.len() >= MAX_ITEMS {
                return Err(ImportError::TooMany {
                    what: "files in its manifest",
                    most: MAX_ITEMS,
                });
            }
            let Some(href) = element.attribute("href") else { continue };
            if let Some(id) = element.attribute("id") {
                self.by_id.entry(id.to_owned()).or_insert(self.items.len());
            }
            others.push(["fallback", "media-overlay"].map(|name| element.attribute(name)));
            self.items.push(Item {
                fallback: None,
                overlay: None,
                path: join(&self.path, href),
                media_type: element.attribute("media-type").unwrap_or_default().to_lowercase(),
                properties: element.attribute("properties").unwrap_or_default().to_owned(),
            });
        }
        for (item, others) in self.items.iter_mut().zip(others) {
            [item.fallback, item.overlay] = others.map(|id| self.by_id.get(id?).copied());
        }
        Ok(())
    }

    fn spine(&mut self, document: &Element) -> Result<(), ImportError> {
        let Some(spine) = document.descendant("spine") else { return Ok(()) };
        self.is_right_to_left = spine.attribute("page-progression-direction") == Some("rtl");
        self.ncx = spine.attribute("toc").and_then(|id| self.path_of(id));
        for reference in spine.children("itemref") {
            if self.spine.len() >= MAX_ITEMS {
                return Err(ImportError::TooMany {
                    what: "documents in its spine",
                    most: MAX_ITEMS,
                });
            }
            let item = reference.attribute("idref").and_then(|id| self.by_id.get(id));
            let is_linear = reference.attribute("linear") != Some("no");
            self.spine.extend(item.map(|item| (*item, is_linear)));
        }
        Ok(())
    }

    fn metadata(&mut self, document: &Element) {
        let texts = |name: &str| {
            let found = document.descendants(name).into_iter();
            found.map(|element| (element.attribute("id"), names::clean(&element.text)))
        };
        let is_main = |id: Option<&str>| {
            id.is_some_and(|id| {
                document.descendants("meta").iter().any(|meta| {
                    meta.attribute("refines").map(|refined| refined.trim_start_matches('#'))
                        == Some(id)
                        && meta.attribute("property") == Some("title-type")
                        && meta.text.trim() == "main"
                })
            })
        };
        let titles: Vec<_> = texts("title").filter(|(_, title)| !title.is_empty()).collect();
        // A subtitle has a place of its own in a list of some; all others have one title.
        let main = if titles.len() > 1 { titles.iter().find(|(id, _)| is_main(*id)) } else { None };
        let title = main.or(titles.first()).map(|(_, title)| title.clone());
        self.title = title.unwrap_or_default();
        let creators = document.descendants("creator");
        self.authors = names::authors(creators.iter().map(|creator| creator.text.as_str()));
        // EPUB 3.3, appendix D.9: those who read the overlays.
        let metas = document.descendants("meta");
        let narrators =
            metas.iter().filter(|meta| meta.attribute("property") == Some("media:narrator"));
        self.narrator = names::authors(narrators.map(|meta| meta.text.as_str())).join(", ");
        self.series = series(&metas);
        self.language = texts("language").map(|(_, tag)| tag).find(|tag| !tag.is_empty());
    }

    /// Where the cover may be: as EPUB 3 says it, as EPUB 2 did, as a guide does, or by its id.
    fn cover_paths(&self, document: &Element) -> Vec<String> {
        const IDS: [&str; 6] =
            ["cover-image", "cover", "cover-img", "coverimage", "cover.jpg", "cover.png"];
        let is_cover = |element: &&Element, name: &str| {
            element.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("cover"))
        };
        let mut paths: Vec<String> =
            self.item_with("cover-image").map(|item| item.path.clone()).into_iter().collect();
        let metas = document.descendants("meta");
        for content in metas.iter().filter(|meta| is_cover(meta, "name")) {
            let Some(content) = content.attribute("content") else { continue };
            paths.extend(self.path_of(content));
            // Some tools write the path where the id should be.
            paths.push(join(&self.path, content));
        }
        let references = document.descendants("reference");
        let references = references.iter().filter(|reference| is_cover(reference, "type"));
        paths.extend(
            references.filter_map(|cover| Some(join(&self.path, cover.attribute("href")?))),
        );
        paths.extend(IDS.iter().filter_map(|id| self.path_of(id)));
        paths
    }

    fn path_of(&self, id: &str) -> Option<String> {
        self.by_id.get(id).map(|index| self.items[*index].path.clone())
    }
}

/// Collections that are looked at; a book is of one or two.
const MAX_COLLECTIONS: usize = 10;

/// The series that metadata name: a collection that is not called something else (EPUB 3.3, appendix D.3.3), or what
/// Calibre writes into those of EPUB 2.
fn series(metas: &[&Element]) -> Option<String> {
    let is_set = |collection: &Element| {
        metas.iter().any(|meta| {
            let refined = meta.attribute("refines").map(|refined| refined.trim_start_matches('#'));
            meta.attribute("property") == Some("collection-type")
                && refined.is_some()
                && refined == collection.attribute("id")
                && meta.text.trim() != "series"
        })
    };
    let collections =
        metas.iter().filter(|meta| meta.attribute("property") == Some("belongs-to-collection"));
    let collections = collections.take(MAX_COLLECTIONS).filter(|meta| !is_set(meta));
    let by_calibre = metas.iter().filter(|meta| meta.attribute("name") == Some("calibre:series"));
    let names = collections.map(|meta| meta.text.as_str());
    let names = names.chain(by_calibre.filter_map(|meta| meta.attribute("content")));
    names.map(names::clean).find(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::import::epub::xml;

    fn package(source: &str) -> Package {
        Package::read("OPS/package.opf", &xml::parse(source).0).unwrap()
    }

    #[test]
    fn a_package_is_read_whatever_is_wrong_with_it() {
        let package = package(
            "<opf:package><opf:metadata><dc:title>Salt & Pepper</dc:title><dc:creator>A</dc:creator>\
             <dc:creator> </dc:creator><dc:language>en</dc:language></opf:metadata>\
             <opf:manifest><opf:item id='a' href='../a%20b.xhtml'><opf:item id='n' href='toc.ncx'/>\
             <opf:item/></opf:manifest><opf:spine toc='n'><opf:itemref idref='a'/><opf:itemref idref='x'/>\
             <opf:itemref idref='a' linear='no'/></opf:spine>",
        );
        assert_eq!((package.title.as_str(), package.authors.len()), ("Salt & Pepper", 1));
        assert_eq!(package.items[0].path, "a%20b.xhtml");
        assert_eq!(package.spine, [(0, true), (0, false)]);
    }

    #[test]
    fn of_several_titles_the_main_one_counts() {
        let source = |kind: &str| {
            format!(
                "<package><metadata><dc:title id='s'>Sub</dc:title><dc:title id='m'>Main</dc:title>\
                 <meta refines='#m' property='title-type'>{kind}</meta></metadata></package>"
            )
        };
        assert_eq!(package(&source("main")).title, "Main");
        assert_eq!(package(&source("collection")).title, "Sub");
    }

    #[test]
    fn a_cover_is_found_where_each_version_puts_it() {
        let with = |metadata: &str, manifest: &str, rest: &str| {
            package(&format!(
                "<package><metadata>{metadata}</metadata><manifest>{manifest}</manifest>{rest}</package>"
            ))
            .covers
            .into_iter()
            .next()
        };
        let expected = Some("OPS/c.jpg".to_owned());
        assert_eq!(with("", "<item id='x' href='c.jpg' properties='cover-image'/>", ""), expected);
        assert_eq!(
            with("<meta content='x' name='cover'/>", "<item id='x' href='c.jpg'/>", ""),
            expected
        );
        assert_eq!(with("", "", "<guide><reference type='Cover' href='c.jpg'/></guide>"), expected);
        assert_eq!(with("", "<item id='cover' href='c.jpg'/>", ""), expected);
        assert_eq!(with("", "<item id='x' href='c.jpg'/>", ""), None);
    }

    #[test]
    fn chains_of_refinements_and_too_many_items_end() {
        let chain: String = (0..20_000)
            .map(|n| format!("<meta id='m{n}' refines='#m{}' property='x'>y</meta>", n + 1))
            .collect();
        package(&format!("<package><metadata>{chain}</metadata></package>"));
        let items = "<item href='a'/>".repeat(MAX_ITEMS + 1);
        let document = xml::parse(&format!("<package><manifest>{items}</manifest></package>")).0;
        assert!(matches!(Package::read("p", &document), Err(ImportError::TooMany { .. })));
    }

    #[test]
    fn a_series_is_a_collection_that_is_no_set() {
        let series = |metas: &str| {
            let source = format!("<package><metadata>{metas}</metadata></package>");
            package(&source).series
        };
        let three = |kind: &str| {
            format!(
                "<meta property='belongs-to-collection' id='c'>The Mill\n Books</meta>\
                 <meta refines='#c' property='collection-type'>{kind}</meta>"
            )
        };
        assert_eq!(series(&three("series")).as_deref(), Some("The Mill Books"));
        assert_eq!(series(&three("set")), None);
        let untold = "<meta property='belongs-to-collection'>A</meta>";
        assert_eq!(series(untold).as_deref(), Some("A"));
        let two = "<meta name='calibre:series' content='B'/>";
        assert_eq!(series(two).as_deref(), Some("B"));
        assert_eq!(series("<meta name='calibre:series' content=' '/>"), None);
    }
}
