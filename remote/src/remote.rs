//! The client: a backend whose calls are made at the other end.

use std::sync::Arc;

use anystorage_api::{
    Attributes, Capabilities, DirEntry, Error, Metadata, OpenOptions, Result, StorageBackend, StorageFile, StoragePath, Usage, engine,
};

use crate::connection::{Connection, Reply};
use crate::file::RemoteFile;
use crate::protocol::{Answer, Call, VERSION};
use crate::transport::Transport;

/// An engine that is somewhere else, by way of a [`Transport`].
///
/// Capabilities are those of the engine, except that `immediate` is true if the transport answers at once, and false otherwise. A call is
/// sent when its future is first polled; from then on the [`Server`](crate::Server) does it, whatever becomes of the future, in the order in
/// which calls came (contract line 6). Only a `read_at` of more than 16 MiB is two calls there, and a `read_at` or `write_at` of more than
/// a gibibyte several: what overlaps them may come in between. A whole file of more than that is read by parts. All other lines are the engine's to keep, and pass through.
///
/// Line 7: the location is given back by the server, when this and all of its files are dropped and the server has noticed that; who needs
/// it back at once calls [`close`](StorageBackend::close).
///
/// # Errors
/// Those of the engine, with kind, operation, path and text as they were there and the cause as text.
/// [`Disconnected`](anystorage_api::ErrorKind::Disconnected) once the other end is gone or says what makes no sense: for calls that wait, of
/// which nobody knows whether they were done, and for all that come. Nothing brings the connection back; open another one.
#[derive(Debug)]
pub struct Remote {
    connection: Arc<Connection>,
    capabilities: Capabilities,
}

impl Remote {
    /// Speaks to the server at the other end of `transport`.
    ///
    /// # Errors
    /// [`Unsupported`](anystorage_api::ErrorKind::Unsupported) if it speaks another version of the protocol,
    /// [`Disconnected`](anystorage_api::ErrorKind::Disconnected) if there is none.
    pub async fn connect(transport: impl Transport) -> Result<Self> {
        let connection = Connection::new(transport);
        let reply = connection.ask(&Call::Hello { version: VERSION }, &[]).await?;
        let hello = |answer: Answer<'_>, _: &[u8]| match answer {
            Answer::Hello { version, capabilities } => Some((version, capabilities)),
            _ => None,
        };
        let (version, capabilities) = reply.read(hello)?;
        if version != VERSION {
            return Err(reply.refuse_version(version, VERSION));
        }
        let capabilities = capabilities.offered(connection.answers_at_once());
        Ok(Self { connection, capabilities })
    }

    async fn ask(&self, call: Call<'_>, path: &StoragePath) -> Result<Reply> {
        self.connection.ask(&call, &[]).await.map_err(about(path))
    }
}

/// With the path that a call was about, unless it says one.
fn about(path: &StoragePath) -> impl Fn(Error) -> Error + '_ {
    move |error| if error.path().is_some() { error } else { error.with_path(path) }
}

pub(crate) fn metadata(answer: Answer<'_>, _: &[u8]) -> Option<Metadata> {
    match answer {
        Answer::Metadata(found) => Some(found.into()),
        _ => None,
    }
}

#[engine]
impl StorageBackend for Remote {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn open(&self, path: &StoragePath, options: &OpenOptions) -> Result<Box<dyn StorageFile>> {
        let reply = self.ask(Call::Open { path: path.as_str(), options: options.into() }, path).await?;
        let opened = |answer: Answer<'_>, _: &[u8]| match answer {
            Answer::Opened { file } => Some(file),
            _ => None,
        };
        let number = reply.read(opened)?;
        Ok(Box::new(RemoteFile::new(Arc::clone(&self.connection), number)))
    }

    async fn stat(&self, path: &StoragePath) -> Result<Metadata> {
        self.ask(Call::Stat { path: path.as_str() }, path).await?.read(metadata)
    }

    async fn list(&self, directory: &StoragePath, after: Option<&str>, limit: usize) -> Result<Vec<DirEntry>> {
        let call = Call::List { directory: directory.as_str(), after, limit: limit as u64 };
        let entries = |answer: Answer<'_>, _: &[u8]| match answer {
            Answer::Entries(entries) => Some(entries.into_iter().map(DirEntry::from).collect()),
            _ => None,
        };
        self.ask(call, directory).await?.read(entries)
    }

    async fn create_dir(&self, path: &StoragePath) -> Result<()> {
        self.ask(Call::CreateDir { path: path.as_str() }, path).await?.done()
    }

    async fn remove_file(&self, path: &StoragePath) -> Result<()> {
        self.ask(Call::RemoveFile { path: path.as_str() }, path).await?.done()
    }

    async fn remove_dir(&self, path: &StoragePath) -> Result<()> {
        self.ask(Call::RemoveDir { path: path.as_str() }, path).await?.done()
    }

    async fn rename(&self, from: &StoragePath, to: &StoragePath) -> Result<()> {
        self.ask(Call::Rename { from: from.as_str(), to: to.as_str() }, from).await?.done()
    }

    async fn sync(&self) -> Result<()> {
        self.connection.ask(&Call::Sync, &[]).await?.done()
    }

    async fn close(&self) -> Result<()> {
        self.connection.ask(&Call::Close, &[]).await?.done()
    }

    async fn read(&self, path: &StoragePath) -> Result<Vec<u8>> {
        self.ask(Call::Read { path: path.as_str() }, path).await?.into_bytes()
    }

    async fn write(&self, path: &StoragePath, data: &[u8]) -> Result<()> {
        self.connection.ask(&Call::Write { path: path.as_str() }, data).await.map_err(about(path))?.done()
    }

    async fn usage(&self) -> Result<Usage> {
        let usage = |answer: Answer<'_>, _: &[u8]| match answer {
            Answer::Usage(usage) => Some(usage.into()),
            _ => None,
        };
        self.connection.ask(&Call::Usage, &[]).await?.read(usage)
    }

    async fn set_attributes(&self, path: &StoragePath, attributes: &Attributes) -> Result<()> {
        self.ask(Call::SetAttributes { path: path.as_str(), attributes: attributes.into() }, path).await?.done()
    }
}
