//! The sound that a book brings, read in pieces from wherever it lies: a file of it may have hundreds of megabytes, and
//! what is heard next lies beside what was heard last.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

/// How much is fetched at once, in bytes: about half a minute.
const PIECE_BYTES: u64 = 256 * 1024;
/// Pieces kept in memory, in bytes.
const KEPT_BYTES: u64 = 16 << 20;

/// Pieces of sounds, by path and number.
pub(super) type Pieces = Cache<(Path, u64), Bytes>;

/// None yet.
pub(super) fn pieces() -> Pieces {
    Cache::builder()
        .weigher(|_, piece: &Bytes| u32::try_from(piece.len()).unwrap_or(u32::MAX))
        .max_capacity(KEPT_BYTES)
        .build()
}

/// A file of sound. Reading it blocks.
#[derive(Debug)]
pub struct SoundFile {
    store: Arc<dyn ObjectStore>,
    path: Path,
    length: u64,
    at: u64,
    pieces: Pieces,
    runtime: Handle,
}

impl SoundFile {
    /// Finds a file; `None` when there is none.
    pub(super) async fn open(
        store: Arc<dyn ObjectStore>,
        path: Path,
        pieces: Pieces,
    ) -> object_store::Result<Option<Self>> {
        let length = match store.head(&path).await {
            Ok(found) => found.size,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Self { store, path, length, at: 0, pieces, runtime: Handle::current() }))
    }

    /// How long it is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn piece(&self, number: u64) -> io::Result<Bytes> {
        let name = (self.path.clone(), number);
        let start = number * PIECE_BYTES;
        let range = start..(start + PIECE_BYTES).min(self.length);
        let fetched = self.store.get_range(&self.path, range);
        let piece = self.runtime.block_on(self.pieces.try_get_with(name, fetched));
        piece.map_err(|error| io::Error::other(error.to_string()))
    }
}

impl Read for SoundFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length {
            return Ok(0);
        }
        let piece = self.piece(self.at / PIECE_BYTES)?;
        let from = (self.at % PIECE_BYTES) as usize;
        // What is shorter than it was has ended.
        let rest = piece.get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for SoundFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn a_file_is_read_as_it_is() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (path, bytes) =
            (Path::from("a"), (0..700_000_u32).map(|n| n as u8).collect::<Vec<_>>());
        store.put(&path, bytes.clone().into()).await.unwrap();
        let missing = SoundFile::open(Arc::clone(&store), Path::from("b"), pieces()).await.unwrap();
        assert!(missing.is_none());
        let mut file = SoundFile::open(store, path, pieces()).await.unwrap().unwrap();
        let read = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            file.read_to_end(&mut all)?;
            file.seek(SeekFrom::Start(300_000))?;
            let mut some = [0; 1000];
            file.read_exact(&mut some)?;
            assert_eq!(file.seek(SeekFrom::End(-5))?, 699_995);
            assert!(file.seek(SeekFrom::Current(-700_000)).is_err());
            Ok::<_, io::Error>((all, some.to_vec()))
        });
        let (all, some) = read.await.unwrap().unwrap();
        assert_eq!(all, bytes);
        assert_eq!(some, bytes[300_000..301_000]);
    }
}
