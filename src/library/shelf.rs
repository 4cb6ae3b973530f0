//! Books in the object store.
//!
//! ```text
//! books/{id}/original.epub              the file as it was imported
//! books/{id}/chapters/{n}.json          a typeset chapter, n from 1
//! books/{id}/files/{sha256 of path}     a picture; hashed, because a path inside a book may be anything
//! books/{id}/covers/{width}.webp        the cover made smaller
//! books/{id}/sounds/{n}                 a sound that the book is heard by
//! books/{id}/r{revision}/…              the same four of a file that was read anew
//! ```
//!
//! Files are streamed: a book is never in memory as a whole.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use app::model::BookId;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::io::AsyncWriteExt;

use super::LibraryError;
use super::chapters::Chapter;
use super::import::{Format, covers, files};
use super::reading_apps::digest;
use super::sound::{Pieces, SoundFile, pieces};

/// Files that are stored at the same time.
const STORED_AT_ONCE: usize = 4;
/// Larger files are stored in parts of this size, in bytes. S3 takes no smaller ones than 5 MB.
const PART_BYTES: usize = 6 * 1024 * 1024;

pub(super) struct Shelf {
    store: Arc<dyn ObjectStore>,
    /// What was read of sounds lately.
    pieces: Pieces,
}

/// A file with its length in bytes.
pub struct StoredFile {
    /// How long it is.
    pub length: u64,
    /// Its content, piece by piece.
    pub content: BoxStream<'static, object_store::Result<Bytes>>,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, pieces: pieces() }
    }

    /// Stores the file that a book comes from.
    pub(super) async fn put_original(
        &self,
        id: &BookId,
        format: Format,
        file: &FilePath,
    ) -> Result<(), LibraryError> {
        self.put_file(original_path(id, format), file.to_owned()).await
    }

    /// Stores what was read of a file: all that lies in the folders of `source`.
    pub(super) async fn put_revision(
        &self,
        id: &BookId,
        revision: u32,
        source: &FilePath,
    ) -> Result<(), LibraryError> {
        let mut files: Vec<(Path, PathBuf)> = Vec::new();
        let mut folders = tokio::fs::read_dir(source).await?;
        while let Some(inner) = folders.next_entry().await? {
            let name = inner.file_name().to_string_lossy().into_owned();
            let mut entries = tokio::fs::read_dir(inner.path()).await?;
            while let Some(entry) = entries.next_entry().await? {
                let file = entry.file_name().to_string_lossy().into_owned();
                files.push((folder(id, revision).join(&*name).join(&*file), entry.path()));
            }
        }
        let stored = files.into_iter().map(|(path, file)| self.put_file(path, file));
        futures::stream::iter(stored).buffer_unordered(STORED_AT_ONCE).try_collect::<()>().await
    }

    async fn put_file(&self, path: Path, file: PathBuf) -> Result<(), LibraryError> {
        let mut file = tokio::fs::File::open(file).await?;
        if file.metadata().await?.len() == 0 {
            self.store.put(&path, Bytes::new().into()).await?;
            return Ok(());
        }
        let mut writer = BufWriter::with_capacity(Arc::clone(&self.store), path, PART_BYTES);
        match tokio::io::copy(&mut file, &mut writer).await {
            Ok(_) => Ok(writer.shutdown().await?),
            Err(error) => {
                // What is half there is nobody's.
                let _ = writer.abort().await;
                Err(error.into())
            }
        }
    }

    /// Removes all that belongs to a book.
    pub(super) async fn remove_book(&self, id: &BookId) -> Result<(), LibraryError> {
        self.remove(&root(id), |_| true).await
    }

    /// Removes all revisions of a book but one.
    pub(super) async fn remove_other_revisions(
        &self,
        id: &BookId,
        revision: u32,
    ) -> Result<(), LibraryError> {
        let (kept, root) = (folder(id, revision), root(id));
        self.remove(&root, |path| {
            let is_original = path.prefix_match(&root).is_some_and(|parts| parts.count() == 1);
            // Without a folder of its own the first revision lies beside the others.
            let is_kept = if revision == 0 {
                !path.as_ref()[root.as_ref().len()..].starts_with("/r")
            } else {
                path.prefix_matches(&kept)
            };
            !is_original && !is_kept
        })
        .await
    }

    async fn remove(
        &self,
        folder: &Path,
        goes: impl Fn(&Path) -> bool + Send,
    ) -> Result<(), LibraryError> {
        let found: Vec<_> =
            self.store.list(Some(folder)).map_ok(|object| object.location).try_collect().await?;
        let going: Vec<_> = found.into_iter().filter(|path| goes(path)).map(Ok).collect();
        let going = futures::stream::iter(going).boxed();
        self.store.delete_stream(going).try_collect::<Vec<_>>().await?;
        Ok(())
    }

    pub(super) async fn chapter(
        &self,
        id: &BookId,
        revision: u32,
        number: u32,
    ) -> Result<Option<Chapter>, LibraryError> {
        let path = folder(id, revision).join("chapters").join(format!("{number}.json"));
        let bytes = self.get(&path).await?;
        Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    /// A picture or typeface by its path inside the book.
    pub(super) async fn file(
        &self,
        id: &BookId,
        revision: u32,
        path: &str,
    ) -> Result<Option<Bytes>, LibraryError> {
        self.get(&folder(id, revision).join("files").join(files::file_name(path))).await
    }

    /// A sound by its name.
    pub(super) async fn sound(
        &self,
        id: &BookId,
        revision: u32,
        name: &str,
    ) -> Result<Option<SoundFile>, LibraryError> {
        let path = folder(id, revision).join("sounds").join(name);
        Ok(SoundFile::open(Arc::clone(&self.store), path, self.pieces.clone()).await?)
    }

    /// The cover made smaller.
    pub(super) async fn cover(
        &self,
        id: &BookId,
        revision: u32,
        width: u32,
    ) -> Result<Option<Bytes>, LibraryError> {
        self.get(&folder(id, revision).join("covers").join(covers::file_name(width))).await
    }

    /// The file that a book comes from.
    pub(super) async fn original(
        &self,
        id: &BookId,
        format: Format,
    ) -> Result<Option<StoredFile>, LibraryError> {
        match self.store.get(&original_path(id, format)).await {
            Ok(object) => {
                let length = object.meta.size;
                Ok(Some(StoredFile { length, content: object.into_stream() }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What KOReader calls the file that a book comes from.
    pub(super) async fn digest(&self, id: &BookId, format: Format) -> Result<String, LibraryError> {
        Ok(digest(&*self.store, &original_path(id, format)).await?)
    }

    async fn get(&self, path: &Path) -> Result<Option<Bytes>, LibraryError> {
        match self.store.get(path).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn root(id: &BookId) -> Path {
    Path::from_iter(["books", id.as_str()])
}

/// Where a revision of a book lies; the first one beside the file itself, as books always have.
fn folder(id: &BookId, revision: u32) -> Path {
    if revision == 0 { root(id) } else { root(id).join(format!("r{revision}")) }
}

fn original_path(id: &BookId, format: Format) -> Path {
    root(id).join(format!("original.{}", format.extension()))
}
