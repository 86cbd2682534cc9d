//! The client's side of a transport: requests out, answers in.

use std::sync::Arc;

use anystorage_api::{Error, ErrorKind, Operation, Result};

use crate::inbox::Inbox;
use crate::protocol::{Answer, Call, decode, encode};
use crate::transport::Transport;

/// A transport, and who waits for what it brings. The backend and its files share it.
#[derive(Debug)]
pub(crate) struct Connection {
    transport: Box<dyn Transport>,
    inbox: Inbox,
}

/// An answer, as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    frame: Vec<u8>,
    operation: Operation,
    inbox: Inbox,
}

impl Connection {
    pub(crate) fn new(transport: impl Transport) -> Arc<Self> {
        let connection = Arc::new(Self { transport: Box::new(transport), inbox: Inbox::default() });
        connection.inbox.belongs_to(&connection);
        connection.transport.start(connection.inbox.clone());
        connection
    }

    pub(crate) fn answers_at_once(&self) -> bool {
        self.transport.answers_at_once()
    }

    /// Makes a call. It is sent when this is first polled, and done by the other end from then on, whatever becomes of the future.
    pub(crate) async fn ask(&self, call: &Call<'_>, bytes: &[u8]) -> Result<Reply> {
        let operation = call.operation();
        let (number, answer) = self.inbox.expect(operation)?;
        match encode(number, call, bytes.len()) {
            Ok(mut frame) => {
                frame.extend_from_slice(bytes);
                self.transport.send(frame);
            }
            Err(error) => {
                self.inbox.forget(number);
                return Err(error.in_operation(operation));
            }
        }
        let frame = answer.come().await.ok_or_else(|| self.inbox.why(operation))?;
        Ok(Reply { frame, operation, inbox: self.inbox.clone() })
    }

    /// Closes a file that nobody has any more.
    pub(crate) fn let_go(&self, file: u64) {
        let Some(number) = self.inbox.expect_nothing() else { return };
        if let Ok(frame) = encode(number, &Call::FileClose { file }, 0) {
            self.transport.send(frame);
        }
    }
}

impl Reply {
    /// What `read` makes of the answer and its bytes. It gives none where that is no answer to what was asked.
    pub(crate) fn read<T>(&self, read: impl FnOnce(Answer<'_>, &[u8]) -> Option<T>) -> Result<T> {
        let understood = match decode::<Answer<'_>>(&self.frame) {
            Ok((_, Answer::Failed(error), _)) => return Err(error.into_error(self.operation)),
            Ok((_, answer, bytes)) => read(answer, bytes),
            Err(_) => None,
        };
        understood.ok_or_else(|| {
            // Who says this may say anything.
            self.inbox.lose("what it answered makes no sense");
            self.inbox.why(self.operation)
        })
    }

    /// That it was done.
    pub(crate) fn done(&self) -> Result<()> {
        self.read(|answer, _| matches!(answer, Answer::Done).then_some(()))
    }

    /// The bytes of the answer, without another copy of them.
    pub(crate) fn into_bytes(mut self) -> Result<Vec<u8>> {
        let len = self.read(|answer, bytes| matches!(answer, Answer::Bytes).then_some(bytes.len()))?;
        let from = self.frame.len() - len;
        self.frame.drain(..from);
        Ok(self.frame)
    }

    /// That the version is another one.
    pub(crate) fn refuse_version(&self, theirs: u32, ours: u32) -> Error {
        let text =
            format!("the other end of the bridge speaks version {theirs} of its protocol, and this one {ours}: build both of one version");
        Error::new(ErrorKind::Unsupported, self.operation).with_text(text)
    }
}
