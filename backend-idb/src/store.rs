use std::cell::{Cell, RefCell};
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, Operation, Result, Usage, engine};
use anystorage_browser_host::exception::Exception;
use anystorage_browser_host::global;
use anystorage_browser_host::lock::WebLock;
use anystorage_kv::{Batch, Commit, KvEntry, KvStore};
use tokio::sync::Mutex;

use crate::connection::{Connection, End};
use crate::database::{self, failed};
use crate::error::Failure;
use crate::faults::{CommitFault, CommitFaults};
use crate::options::IdbMode;
use crate::stamp::Stamp;

/// How often a call is made again on another connection.
const MOST_RETRIES: u32 = 4;

/// How long it waits before a connection is asked for again, in milliseconds, in turn.
const PAUSES: [f64; 3] = [50.0, 250.0, 1000.0];

/// A key-value store in an IndexedDB database, held by one instance.
#[derive(Debug)]
pub struct IdbStore {
    name: String,
    // In this order: the connection goes before the lock.
    link: RefCell<Link>,
    lock: RefCell<Option<WebLock>>,
    /// Held by who asks for another connection.
    reopening: Mutex<()>,
    instance: u64,
    /// The last commit that was begun, and the last of which it is known that it was made.
    begun: Cell<u64>,
    made: Cell<u64>,
    faults: CommitFaults,
}

/// What there is between the store and its database.
#[derive(Debug)]
enum Link {
    Open(Rc<Connection>),
    /// There is no way back to it.
    Cut(Error),
    Closed,
}

impl IdbStore {
    /// Opens the store of the location of this name, and holds it until it is closed or dropped.
    ///
    /// # Errors
    /// [`Locked`](ErrorKind::Locked) if another instance has it open, in this or another tab or worker, or if the browser does not open it
    /// because somebody else has; [`NotFound`](ErrorKind::NotFound) if it is not there and `mode` does not create it;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) where the browser denies the site its storage;
    /// [`Unsupported`](ErrorKind::Unsupported) where there is no IndexedDB, and for what a newer version wrote;
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a database of another program, and for a name that is empty or longer than
    /// [`MAX_NAME_LEN`](crate::MAX_NAME_LEN).
    pub async fn open(name: &str, mode: IdbMode) -> Result<Self> {
        Self::open_with_faults(name, mode, &CommitFaults::default()).await
    }

    /// As [`open`](Self::open), with commits that go wrong as `faults` says: for tests.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn open_with_faults(name: &str, mode: IdbMode, faults: &CommitFaults) -> Result<Self> {
        let lock = database::hold(name).await?;
        let opened = database::open(name, mode == IdbMode::ReadWriteCreate).await;
        let missing = || failed(ErrorKind::NotFound, name, "is not there");
        match opened.and_then(|database| database.ok_or_else(missing)) {
            Ok(database) => Ok(Self {
                name: name.to_owned(),
                lock: RefCell::new(Some(lock)),
                link: RefCell::new(Link::Open(Rc::new(Connection::new(database)))),
                reopening: Mutex::new(()),
                instance: global::random(),
                begun: Cell::new(0),
                made: Cell::new(0),
                faults: faults.clone(),
            }),
            Err(error) => {
                lock.release().await;
                Err(error)
            }
        }
    }

    /// Closes the connection behind the store's back, as if the browser had: for tests.
    #[cfg(feature = "conformance")]
    pub fn lose_connection(&self) {
        if let Link::Open(connection) = &*self.link.borrow() {
            connection.lose();
        }
    }

    /// A connection of which no end is known.
    async fn connection(&self, operation: Operation) -> Result<Rc<Connection>> {
        if let Some(connection) = self.working(operation)? {
            return Ok(connection);
        }
        let _alone = self.reopening.lock().await;
        let mut pauses = PAUSES.into_iter();
        loop {
            if let Some(connection) = self.working(operation)? {
                return Ok(connection);
            }
            let error = match self.reopen().await {
                Ok(()) => continue,
                Err(error) => error,
            };
            match pauses.next() {
                Some(pause) => global::sleep(pause).await,
                None => {
                    let text = "the browser closed its connection to IndexedDB and gives no other one: try again later";
                    return Err(Error::new(ErrorKind::Disconnected, operation).with_text(text).with_cause(error));
                }
            }
        }
    }

    /// The connection, unless it has to be opened again.
    fn working(&self, operation: Operation) -> Result<Option<Rc<Connection>>> {
        let mut link = self.link.borrow_mut();
        match &*link {
            Link::Open(connection) => match connection.end() {
                None => Ok(Some(Rc::clone(connection))),
                Some(End::Lost) => Ok(None),
                Some(End::Wanted) => {
                    let text =
                        "another tab or script deleted or upgraded its database, and this instance had to let go of it: open it again";
                    let error = failed(ErrorKind::Disconnected, &self.name, text);
                    *link = Link::Cut(error.clone());
                    Err(error.in_operation(operation))
                }
            },
            Link::Cut(error) => Err(error.clone().in_operation(operation)),
            Link::Closed => Err(Error::new(ErrorKind::Closed, operation)),
        }
    }

    /// Opens the database again, and sees whether it is as it was left.
    async fn reopen(&self) -> Result<()> {
        log::warn!("the browser closed its connection to the location {:?} in IndexedDB: opening another one", self.name);
        let Some(database) = database::open(&self.name, false).await? else {
            self.cut("is gone: its data were deleted while it was open, as by clearing the data of the site");
            return Ok(());
        };
        let connection = Connection::new(database);
        match connection.stamp().await {
            Ok(found) if self.is_as_left(found) => {
                if let link @ Link::Open(_) = &mut *self.link.borrow_mut() {
                    *link = Link::Open(Rc::new(connection));
                }
                Ok(())
            }
            Ok(_) => {
                let text = "is not as it was left: commits that were made before the connection was lost are missing, or another program \
                            changed it";
                self.cut(text);
                Ok(())
            }
            Err(Failure::Lost(exception)) => Err(exception.into_error(Operation::OpenLocation)),
            Err(Failure::Failed(error)) => Err(error),
        }
    }

    /// Whether the commit that is found is the last one of which it is known that it was made, or the one behind it that was under way:
    /// then that is known to be made.
    fn is_as_left(&self, found: Option<Stamp>) -> bool {
        match found.filter(|found| found.instance == self.instance) {
            Some(own) if own.number == self.begun.get() => {
                self.made.set(own.number);
                true
            }
            Some(own) => own.number == self.made.get(),
            None => self.made.get() == 0,
        }
    }

    fn cut(&self, text: &str) {
        if let link @ Link::Open(_) = &mut *self.link.borrow_mut() {
            *link = Link::Cut(failed(ErrorKind::Disconnected, &self.name, format_args!("{text}; open it again")));
        }
    }

    /// Asks again on another connection, when one is lost meanwhile.
    async fn read<T>(&self, ask: impl AsyncFn(&Connection) -> Result<T, Failure>) -> Result<T> {
        let mut retries = 0;
        loop {
            let connection = self.connection(Operation::Read).await?;
            match ask(&connection).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Failed(error)) => return Err(error),
                Err(Failure::Lost(exception)) => self.lost(&connection, exception, Operation::Read, &mut retries)?,
            }
        }
    }

    /// Takes note of a connection that was lost; an error if that was one time too many.
    fn lost(&self, connection: &Connection, exception: Exception, operation: Operation, retries: &mut u32) -> Result<()> {
        connection.is_lost();
        *retries += 1;
        if *retries <= MOST_RETRIES {
            return Ok(());
        }
        let text = "loses its connections to the browser again and again";
        Err(failed(ErrorKind::Disconnected, &self.name, text).in_operation(operation).with_cause(exception))
    }

    /// One try of a commit.
    async fn attempt(&self, connection: &Connection, batch: &Batch, durability: Commit, fault: Option<CommitFault>) -> Result<(), Failure> {
        let stamp = Stamp { instance: self.instance, number: self.begun.get() };
        let change = connection.change(batch, durability, stamp)?;
        let lost = || Failure::Lost(Exception::named("AbortError", "a fault that a test asked for"));
        match fault {
            Some(CommitFault::LostBefore) => {
                change.abort();
                change.committed().await.and(Err(lost()))
            }
            Some(CommitFault::LostAfter) => change.committed().await.and(Err(lost())),
            _ => change.committed().await,
        }
    }
}

#[engine]
impl KvStore for IdbStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read(async |connection| connection.get(key).await).await
    }

    async fn scan(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<KvEntry>> {
        if from >= to || limit == 0 {
            return self.working(Operation::Read).map(|_| Vec::new());
        }
        self.read(async |connection| connection.scan(from, to, limit).await).await
    }

    async fn commit(&self, batch: Batch, durability: Commit) -> Result<()> {
        let number = self.begun.get() + 1;
        self.begun.set(number);
        let mut fault = (durability == Commit::Durable).then(|| self.faults.take()).flatten();
        if fault == Some(CommitFault::Fails) {
            return Err(Error::new(ErrorKind::Io, Operation::Sync).with_text("a fault that a test asked for"));
        }
        let mut retries = 0;
        let nothing = Batch::new();
        loop {
            let connection = self.connection(Operation::Sync).await?;
            // Of one that was made before its connection was lost, what is left to do is to see that it lasts.
            let is_made = self.made.get() == number;
            match self.attempt(&connection, if is_made { &nothing } else { &batch }, durability, fault.take()).await {
                Ok(()) => {
                    self.made.set(number);
                    return Ok(());
                }
                Err(Failure::Failed(error)) if is_made => {
                    let text = "a commit was made, and whether it lasts is unknown";
                    return Err(Error::new(ErrorKind::Io, Operation::Sync).with_text(text).with_cause(error));
                }
                Err(Failure::Failed(error)) => return Err(error.in_operation(Operation::Sync)),
                Err(Failure::Lost(exception)) => self.lost(&connection, exception, Operation::Sync, &mut retries)?,
            }
        }
    }

    async fn size(&self) -> Result<Usage> {
        self.working(Operation::Usage).map(|_| Usage::default())
    }

    async fn close(&self) -> Result<()> {
        if matches!(self.link.replace(Link::Closed), Link::Closed) {
            return Err(Error::new(ErrorKind::Closed, Operation::Close));
        }
        let lock = self.lock.borrow_mut().take();
        if let Some(lock) = lock {
            lock.release().await;
        }
        Ok(())
    }
}
