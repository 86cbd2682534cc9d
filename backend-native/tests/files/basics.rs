//! What a caller does all day.

use anystorage_api::{Error, ErrorKind, OpenOptions, StorageBackend};
use anystorage_native::files::FilesBackend;
use futures_lite::future::block_on;

use crate::support::path;

#[test]
fn a_day_of_work() -> Result<(), Error> {
    let directory = tempfile::tempdir().unwrap();
    block_on(async {
        let backend = FilesBackend::open(directory.path().join("made/on/the/way"))?;
        backend.create_dir(&path("a")).await?;
        backend.write(&path("a/f"), b"one").await?;
        assert_eq!(backend.read(&path("a/f")).await?, b"one");
        let file = backend.open(&path("a/f"), &OpenOptions::editing()).await?;
        file.write_at(10, b"two").await?;
        backend.rename(&path("a"), &path("b")).await?;
        file.sync().await?;
        assert_eq!(backend.read(&path("b/f")).await?, b"one\0\0\0\0\0\0\0two");
        assert_eq!(backend.list(&path(""), None, 10).await?.len(), 1);
        assert_eq!(backend.stat(&path("b/f/g")).await.unwrap_err().kind(), ErrorKind::NotADirectory);
        backend.remove_file(&path("b/f")).await?;
        file.write_at(0, b"still").await?;
        file.close().await?;
        backend.remove_dir(&path("b")).await?;
        backend.sync().await?;
        backend.close().await?;
        assert_eq!(backend.sync().await.unwrap_err().kind(), ErrorKind::Closed);
        Ok(())
    })
}
