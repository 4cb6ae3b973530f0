//! Books in the object store.
//!
//! ```text
//! books/{id}/original.epub          the file as it was imported
//! books/{id}/chapters/{n}.json      a typeset chapter, n from 1
//! books/{id}/files/{sha256 of path} a picture; hashed, because a path inside a book may be anything
//! ```

use std::sync::Arc;

use app::model::BookId;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};

use super::LibraryError;
use super::chapters::Chapter;
use super::import::Format;
use super::manuscript::SourceFile;
use crate::text::hash::hex;

pub(super) struct Shelf {
    store: Arc<dyn ObjectStore>,
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    pub(super) async fn put_book(
        &self,
        id: &BookId,
        format: Format,
        original: Bytes,
        files: &[SourceFile],
        chapters: &[Chapter],
    ) -> Result<(), LibraryError> {
        let path = folder(id).join(format!("original.{}", format.extension()));
        self.store.put(&path, PutPayload::from_bytes(original)).await?;
        for file in files {
            let payload = PutPayload::from_bytes(file.bytes.clone());
            self.store.put(&file_path(id, &file.path), payload).await?;
        }
        for (chapter, number) in chapters.iter().zip(1..) {
            let json = serde_json::to_vec(chapter)?;
            self.store.put(&chapter_path(id, number), json.into()).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_book(&self, id: &BookId) -> Result<(), LibraryError> {
        let found = self.store.list(Some(&folder(id))).map_ok(|object| object.location).boxed();
        self.store.delete_stream(found).try_collect::<Vec<_>>().await?;
        Ok(())
    }

    pub(super) async fn chapter(
        &self,
        id: &BookId,
        number: u32,
    ) -> Result<Option<Chapter>, LibraryError> {
        let bytes = self.get(&chapter_path(id, number)).await?;
        Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    pub(super) async fn file(
        &self,
        id: &BookId,
        path: &str,
    ) -> Result<Option<Bytes>, LibraryError> {
        self.get(&file_path(id, path)).await
    }

    async fn get(&self, path: &Path) -> Result<Option<Bytes>, LibraryError> {
        match self.store.get(path).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn folder(id: &BookId) -> Path {
    Path::from_iter(["books", id.as_str()])
}

fn chapter_path(id: &BookId, number: u32) -> Path {
    folder(id).join("chapters").join(format!("{number}.json"))
}

fn file_path(id: &BookId, path: &str) -> Path {
    folder(id).join("files").join(hex(&Sha256::digest(path.as_bytes())))
}
