//! The child's side: serves one request and ends.

use std::future::Future;
use std::io::{self, BufRead, Read};
use std::process;
use std::sync::Arc;
use std::thread;

use anystorage_api::{Result, StorageBackend};
use futures_lite::future::block_on;

use super::small::run_in_small_place;
use super::wire::{Answer, CHILD_VARIABLE, ORPHANED, Request, Then, heard, say};
use crate::case::{Broken, Carry, Case, CaseFuture, Verdict};
#[cfg(unix)]
use crate::kill_loop::Line;
use crate::{list, suite};

/// How a child opens an address.
pub(crate) type Opener = Arc<dyn Fn(String) -> CaseFuture<'static, Result<Box<dyn StorageBackend>>> + Send + Sync>;

/// Serves as a child of [`Processes`](super::Processes) if this process was started as one, and then never returns. Otherwise it returns
/// at once, having done nothing.
///
/// `open` opens an address as it came from [`Place::address`](crate::subject::Place::address). It is called on this thread, under a plain
/// `block_on`: an engine that needs a runtime enters it before.
pub fn run_child_if_asked<O, F>(open: O)
where
    O: Fn(String) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Box<dyn StorageBackend>>> + Send + 'static,
{
    run_child_with_cases_if_asked(list::cases(), open);
}

/// [`run_child_if_asked`] for these cases.
pub(crate) fn run_child_with_cases_if_asked<O, F>(cases: &[Case], open: O)
where
    O: Fn(String) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Box<dyn StorageBackend>>> + Send + 'static,
{
    if std::env::var_os(CHILD_VARIABLE).is_none() {
        return;
    }
    let open: Opener = Arc::new(move |address| Box::pin(open(address)));
    match serve(cases, &open) {
        Ok(()) => process::exit(0),
        Err(error) => {
            eprintln!("a child of the conformance suite could not talk to its parent: {error}");
            process::exit(1);
        }
    }
}

fn serve(cases: &[Case], open: &Opener) -> io::Result<()> {
    let request = hear_request()?;
    thread::spawn(end_with_parent);
    answer(&Answer::Started)?;
    match request {
        Request::Before { case, address, then } => {
            let (backend, carry) = match block_on(first_half(cases, &case, address, open)) {
                Ok((backend, carry)) => (Some(backend), Ok(carry)),
                Err(broken) => (None, Err(broken.into())),
            };
            answer(&Answer::Carry(carry))?;
            // Whether the process ends by itself or is killed: nobody closes anything before.
            std::mem::forget(backend);
            match then {
                Then::Exit => process::exit(0),
                Then::Wait => loop {
                    thread::park();
                },
            }
        }
        Request::After { case, address, carry } => {
            let verdict = block_on(second_half(cases, &case, address, &carry, open));
            answer(&Answer::Verdict(verdict.map_err(Into::into)))
        }
        Request::InSmallPlace { case, bytes, directory, address } => {
            let verdict = block_on(async { run_in_small_place(find(cases, &case)?, bytes, &directory, address, open).await });
            answer(&Answer::Verdict(verdict.map_err(Into::into)))
        }
        #[cfg(unix)]
        Request::Load(play) => {
            // One line, one `write(2)`: standard output hands on whole lines at once.
            let mut announce = async |line: &Line| io::Write::write_all(&mut io::stdout().lock(), format!("{line}\n").as_bytes());
            block_on(crate::kill_loop::play(&play, open(play.address.clone()), &mut announce))
        }
    }
}

fn hear_request() -> io::Result<Request> {
    let mut lines = io::stdin().lock();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{CHILD_VARIABLE} is set, but no request came")));
        }
        if let Some(request) = heard(&line) {
            return request.map_err(io::Error::from);
        }
    }
}

/// The parent holds the other end of standard input for as long as it lives, and says nothing more.
fn end_with_parent() {
    let mut rest = [0; 64];
    while let Ok(1..) = io::stdin().lock().read(&mut rest) {}
    process::exit(ORPHANED);
}

fn answer(message: &Answer) -> io::Result<()> {
    say(&mut io::stdout().lock(), message)
}

/// The location stays open for as long as the caller keeps the first half's backend.
async fn first_half(cases: &[Case], name: &str, address: String, open: &Opener) -> Result<(Box<dyn StorageBackend>, Carry), Broken> {
    let case = find(cases, name)?;
    suite::before(case, open(address).await?).await
}

async fn second_half(cases: &[Case], name: &str, address: String, carry: &str, open: &Opener) -> Verdict {
    let case = find(cases, name)?;
    suite::after(case, open(address).await?, carry).await
}

fn find<'a>(cases: &'a [Case], name: &str) -> Result<&'a Case, Broken> {
    cases.iter().find(|case| case.name == name).ok_or_else(|| Broken::promise(format!("the child process does not know the case {name}")))
}
