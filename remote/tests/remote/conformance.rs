//! Every case of the suite over engines behind a channel, each served by a thread of its own.

use std::time::Duration;

use anystorage_api::Detached;
use anystorage_memory::subject::MemorySubject;
use anystorage_remote::subject::ThroughChannel;
use anystorage_remote::{ChannelLine, Server};
use futures_lite::future::block_on;

fn spawn(server: Server, line: ChannelLine) {
    drop(std::thread::spawn(move || block_on(server.serve(line))));
}

fn pause() -> Detached {
    Box::pin(async { std::thread::sleep(Duration::from_millis(10)) })
}

fn through<S: anystorage_conformance::subject::Subject>(subject: S) -> ThroughChannel<S> {
    ThroughChannel::new(subject, spawn, pause)
}

mod memory {
    use super::*;

    anystorage_conformance::suite!(subject = through(MemorySubject::new(u64::MAX)));
}

#[cfg(unix)]
mod stored {
    use super::*;

    use anystorage_api::{Capabilities, Result, engine};
    use anystorage_conformance::subject::{Place, Subject};
    use anystorage_native::files::subject::FilesSubject;
    use anystorage_native::redb::subject::RedbSubject;

    /// Removes its directory when it is dropped.
    #[derive(Debug)]
    struct Below<S> {
        subject: S,
        _directory: tempfile::TempDir,
    }

    impl<S> Below<S> {
        fn new(subject: impl Fn(&std::path::Path) -> S) -> Self {
            let directory = tempfile::tempdir().unwrap();
            Self { subject: subject(directory.path()), _directory: directory }
        }
    }

    #[engine]
    impl<S: Subject + 'static> Subject for Below<S> {
        fn name(&self) -> String {
            self.subject.name()
        }
        fn expected(&self) -> Option<Capabilities> {
            self.subject.expected()
        }
        async fn place(&self, label: &str) -> Result<Box<dyn Place>> {
            self.subject.place(label).await
        }
    }

    mod files {
        use super::*;

        anystorage_conformance::suite!(subject = through(Below::new(|root| FilesSubject::new(root))));
    }

    mod redb {
        use super::*;

        anystorage_conformance::suite!(subject = through(Below::new(|root| RedbSubject::new(root))));
    }
}
