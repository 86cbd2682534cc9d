use anystorage_api::{Error, ErrorKind, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath};

/// The name of the probe's file; `-1`, `-2`, ... behind it where that is taken.
pub(crate) const NAME: &str = ".anystorage-probe";

/// What the probe writes. A file of this name with a beginning of these bytes was left by a probe that was killed.
const BYTES: &[u8] = b"anystorage probe: written, synced, read back and removed when a location is opened; safe to delete\n";

/// How many names to try.
const NAMES: usize = 100;

/// Finds out whether a location works, by doing: creates a file, writes, syncs, asks for its length, reads back, removes it, syncs all.
///
/// Nothing is left behind, whether it succeeds or not; what a killed probe left is removed by the next one.
///
/// # Errors
/// What the engine answered; [`ErrorKind::Corrupt`] if it gave back something else than was written.
pub(crate) async fn probe(backend: &dyn StorageBackend) -> Result<()> {
    let (path, file) = create(backend).await?;
    let tried = exercise(backend, &path, &*file).await;
    let closed = file.close().await;
    let removed = match backend.remove_file(&path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    tried.and(closed)?;
    removed?;
    match backend.stat(&path).await {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
        Ok(_) => return Err(broken(&path, "it is still there after it was removed")),
    }
    backend.sync().await
}

async fn exercise(backend: &dyn StorageBackend, path: &StoragePath, file: &dyn StorageFile) -> Result<()> {
    file.write_at(0, BYTES).await?;
    file.sync().await?;
    let len = backend.stat(path).await?.len;
    if len != BYTES.len() as u64 {
        return Err(broken(path, &format!("{} bytes were written, and it is {len} bytes long", BYTES.len())));
    }
    let mut found = vec![0; BYTES.len() + 1];
    let count = file.read_at(0, &mut found).await?;
    if found.get(..count) != Some(BYTES) {
        return Err(broken(path, "it reads as something else than was written"));
    }
    Ok(())
}

/// Creates the probe's file under a name that nobody has.
async fn create(backend: &dyn StorageBackend) -> Result<(StoragePath, Box<dyn StorageFile>)> {
    let options = OpenOptions::new().read(true).write(true).create_new(true);
    let mut last = None;
    for number in 0..NAMES {
        let name = if number == 0 { NAME.to_owned() } else { format!("{NAME}-{number}") };
        let path = StoragePath::root().join(&name)?;
        match backend.open(&path, &options).await {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = Some(error),
            Err(error) => return Err(error),
        }
        // Where several instances share a location, the file may belong to a probe that runs just now.
        if !backend.capabilities().shared && is_leftover(backend, &path).await {
            backend.remove_file(&path).await?;
            return Ok((path.clone(), backend.open(&path, &options).await?));
        }
    }
    Err(last.unwrap_or_else(|| Error::new(ErrorKind::AlreadyExists, Operation::OpenLocation)))
}

async fn is_leftover(backend: &dyn StorageBackend, path: &StoragePath) -> bool {
    let Ok(found) = backend.stat(path).await else {
        return false;
    };
    if !found.is_file() || found.len > BYTES.len() as u64 {
        return false;
    }
    backend.read(path).await.is_ok_and(|bytes| BYTES.starts_with(&bytes))
}

fn broken(path: &StoragePath, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, Operation::OpenLocation).with_path(path).with_text(format!("the probe's file: {what}"))
}
