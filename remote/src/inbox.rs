//! Who waits for which answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use anystorage_api::{Error, ErrorKind, Operation};
use tokio::sync::oneshot;

use crate::connection::Connection;
use crate::protocol::{Answer, GOODBYE, decode, number_of};

/// Where a [`Transport`](crate::Transport) puts what it hears. Clones are the same inbox.
#[derive(Clone, Debug, Default)]
pub struct Inbox(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<u64, Waiter>,
    /// The last number that was given to a request.
    last: u64,
    /// Closes files that were opened when nobody wanted them any more.
    connection: Weak<Connection>,
    /// Why no answer comes any more.
    lost: Option<String>,
}

/// Who waits.
#[derive(Debug)]
enum Waiter {
    /// A call. Its future may have been dropped since.
    Call(oneshot::Sender<Vec<u8>>),
    /// Nobody: the answer only has to be an answer.
    Nobody,
}

impl Inbox {
    /// Takes a frame of the server.
    ///
    /// One that makes no sense ends the connection: what it stands for, an answer to one call or another, is never going to come.
    pub fn deliver(&self, frame: Vec<u8>) {
        let Some(number) = number_of(&frame) else {
            return self.lose("what it said makes no sense");
        };
        if number == GOODBYE {
            let why = match decode::<Answer<'_>>(&frame) {
                Ok((_, Answer::Failed(error), _)) => error.into_error(Operation::OpenLocation).to_string(),
                _ => "what it said makes no sense".to_owned(),
            };
            return self.lose(&why);
        }
        let waiter = self.state().waiting.remove(&number);
        match waiter {
            None => self.lose("it answered what was not asked"),
            Some(Waiter::Nobody) => {}
            Some(Waiter::Call(caller)) => {
                if let Err(frame) = caller.send(frame) {
                    self.give_back(&frame);
                }
            }
        }
    }

    /// Closes the file that an answer brought, if it brought one, of which nobody took notice.
    fn give_back(&self, frame: &[u8]) {
        let Ok((_, Answer::Opened { file }, _)) = decode::<Answer<'_>>(frame) else { return };
        let connection = self.state().connection.upgrade();
        // Without one the server closes all of them.
        if let Some(connection) = connection {
            connection.let_go(file);
        }
    }

    /// Has files closed by way of this connection.
    pub(crate) fn belongs_to(&self, connection: &Arc<Connection>) {
        self.state().connection = Arc::downgrade(connection);
    }

    /// Ends the connection: every call that waits, and each that comes, is [`ErrorKind::Disconnected`]. `why` says what happened to the other
    /// end.
    pub fn lose(&self, why: &str) {
        let mut state = self.state();
        if state.lost.is_none() {
            state.lost = Some(why.to_owned());
        }
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        // Outside of the lock: whoever is woken may come right back.
        drop(waiting);
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.state().lost.is_some()
    }

    /// A number for a request that somebody waits for.
    pub(crate) fn expect(&self, operation: Operation) -> Result<(u64, Awaited), Error> {
        let (sender, receiver) = oneshot::channel();
        let number = self.register(operation, Waiter::Call(sender))?;
        Ok((number, Awaited { receiver, inbox: self.clone() }))
    }

    /// A number for a request that nobody waits for; none if there is no connection.
    pub(crate) fn expect_nothing(&self) -> Option<u64> {
        self.register(Operation::Close, Waiter::Nobody).ok()
    }

    fn register(&self, operation: Operation, waiter: Waiter) -> Result<u64, Error> {
        let mut state = self.state();
        if let Some(why) = &state.lost {
            return Err(disconnected(operation, why));
        }
        state.last += 1;
        let number = state.last;
        state.waiting.insert(number, waiter);
        Ok(number)
    }

    /// Takes back a number whose request was not sent.
    pub(crate) fn forget(&self, number: u64) {
        self.state().waiting.remove(&number);
    }

    /// Why there is no answer.
    pub(crate) fn why(&self, operation: Operation) -> Error {
        disconnected(operation, self.state().lost.as_deref().unwrap_or("it let the call go unanswered"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is due. When it is dropped it has come, or it will: what it brings is given back.
#[derive(Debug)]
pub(crate) struct Awaited {
    receiver: oneshot::Receiver<Vec<u8>>,
    inbox: Inbox,
}

impl Awaited {
    /// Waits for it; none comes from a connection that has ended.
    pub(crate) async fn come(mut self) -> Option<Vec<u8>> {
        (&mut self.receiver).await.ok()
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(frame) = self.receiver.try_recv() {
            self.inbox.give_back(&frame);
        }
    }
}

fn disconnected(operation: Operation, why: &str) -> Error {
    let text = format!("the other end of the bridge is gone ({why}): open the location again; what was synced is there");
    Error::new(ErrorKind::Disconnected, operation).with_text(text)
}
