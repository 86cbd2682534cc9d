//! What follows a commit that failed: redb takes no more calls then, and has to be opened again.

use anystorage_api::{Error, ErrorKind, Operation, Result};
use anystorage_kv::Batch;
use redb::Database;

use crate::error::store_error;
use crate::medium::Spare;
use crate::relaxed::Relaxed;
use crate::session::{self, Session, Strength};
use crate::store::{NAME, RedbStore};
use crate::writer::Writer;
use anystorage_kv::panics::caught;

impl RedbStore {
    /// Where space ran out before anything was published, redb is opened again on what is durable, and the commits since that it had in memory are
    /// made again. Otherwise it is opened for reading alone.
    pub(crate) fn recover(&self, writer: &mut Writer, batch: &Batch, durable: bool, error: Error) -> Result<()> {
        let mut session = self.exclusive();
        self.snapshot.drop_table();
        match std::mem::replace(&mut *session, Session::Closed) {
            Session::Live(database) => self.give_up(database),
            other => {
                *session = other;
                return Err(error);
            }
        }
        if error.kind() == ErrorKind::NoSpace
            && !self.medium.is_published()
            && let Ok((database, is_made)) = self.begin_again(writer, batch, durable)
        {
            *session = Session::Live(database);
            let refused = || error.with_text("the disk is full: nothing of this was stored; make room and sync again");
            return if is_made { Ok(()) } else { Err(refused()) };
        }
        let kind = if error.kind() == ErrorKind::NoSpace { ErrorKind::Io } else { error.kind() };
        let text = "what reached the disk is unknown: no more changes until the location is opened again";
        let latched = Error::new(kind, Operation::Sync).with_text(text).with_cause(error);
        *session = self.view(writer).map_or_else(|_| Session::Failed(latched.clone()), |database| Session::View(database, latched.clone()));
        *self.relaxed_mut() = Relaxed::default();
        writer.latched = Some(latched.clone());
        Err(latched)
    }

    /// Drops a redb that failed; it writes nothing any more.
    fn give_up(&self, database: Database) {
        self.medium.seal(true);
        let _ = caught(NAME, Operation::Sync, || {
            drop(database);
            Ok(())
        });
        self.medium.seal(false);
    }

    fn live(&self) -> Result<Database> {
        caught(NAME, Operation::Sync, || {
            self.medium.take_back().map_err(|error| Error::from_io(error, Operation::Sync))?;
            session::live(&self.medium, self.cache)
        })
    }

    /// The file as it is, for reading, with what the relaxed commits changed.
    fn view(&self, writer: &Writer) -> Result<Database> {
        self.medium.seal(true);
        caught(NAME, Operation::Read, || {
            let database = session::view(&self.medium, self.cache)?;
            // What is published has them already, unless it is a step of a compaction.
            let lacks_logged = writer.log.is_ahead_of(session::log_number(&database)?.as_deref());
            if lacks_logged.unwrap_or_else(|| !self.medium.is_published()) {
                session::apply(&database, &self.medium, self.relaxed().iter(), None, Strength::Relaxed)?;
            }
            Ok(database)
        })
    }

    /// Opens redb on what is durable, with the relaxed commits since. A durable commit is tried again: after those, whose removals make
    /// room only once they last; with those in one, since what they put and took away again needs no room then; and when what is free
    /// inside the file was given back to the disk. Says whether it was made in the end.
    fn begin_again(&self, writer: &mut Writer, batch: &Batch, durable: bool) -> Result<(Database, bool)> {
        if durable && !self.relaxed().changes.is_empty() {
            let database = self.live()?;
            if let Some(database) = self.try_merged(writer, &Batch::new(), database)?
                && let Some(made) = self.try_merged(writer, batch, database)?
            {
                return Ok((made, true));
            }
        }
        if durable && (!self.relaxed().changes.is_empty() || batch.iter().any(|(_, value)| value.is_none())) {
            let database = self.live()?;
            if let Some(made) = self.try_merged(writer, batch, database)? {
                return Ok((made, true));
            }
        }
        if durable && writer.is_worth_compacting(self.medium.occupied().unwrap_or(0)) {
            let database = self.live()?;
            if let Some(database) = self.compact(writer, database)?
                && let Some(made) = self.try_merged(writer, batch, database)?
            {
                return Ok((made, true));
            }
        }
        let database = self.live()?;
        caught(NAME, Operation::Sync, || {
            let relaxed = self.relaxed();
            if !relaxed.is_pending() {
                session::apply(&database, &self.medium, relaxed.iter(), None, Strength::Relaxed)?;
            }
            Ok((database, false))
        })
    }

    /// Makes the relaxed commits and `batch` as one; what they put and took away again is not written. None if space ran out.
    fn try_merged(&self, writer: &mut Writer, batch: &Batch, database: Database) -> Result<Option<Database>> {
        let relaxed = self.relaxed();
        let changes = relaxed.merged(batch);
        let strength = relaxed.strength(batch, &writer.log);
        let made = caught(NAME, Operation::Sync, || session::apply(&database, &self.medium, changes, None, strength));
        drop(relaxed);
        match made {
            Ok(change) => {
                self.settle(writer, &mut self.relaxed_mut(), change);
                Ok(Some(database))
            }
            Err(error) => {
                self.give_up(database);
                if error.kind() == ErrorKind::NoSpace && !self.medium.is_published() { Ok(None) } else { Err(error) }
            }
        }
    }

    /// Moves what is stored to the front of the file, and gives the disk back what is behind it. None if there was no space for that, which
    /// lost nothing.
    fn compact(&self, writer: &mut Writer, mut database: Database) -> Result<Option<Database>> {
        self.medium.allow(Spare::All);
        let compacted = caught(NAME, Operation::Sync, || database.compact().map_err(|error| store_error(error, Operation::Sync)));
        self.medium.allow(Spare::Nothing);
        match compacted {
            Ok(_) => {
                self.medium.settle();
                writer.compacted(self.medium.occupied().unwrap_or(u64::MAX));
                Ok(Some(database))
            }
            Err(error) => {
                self.give_up(database);
                if error.kind() != ErrorKind::NoSpace {
                    return Err(error);
                }
                // Each of its steps is a commit, of which some were made.
                self.medium.settle();
                writer.compacted(self.medium.occupied().unwrap_or(u64::MAX));
                Ok(None)
            }
        }
    }
}
