//! Answers the runner.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anystorage_api::{Error, ErrorKind, OpenOptions, Operation, Result, StorageBackend, StorageFile, StoragePath};
use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use super::exported::Exported;
use super::host::{begin, end, keep_panics, post};
use super::wire::{Act, Answer, Request};
use crate::case::{Broken, Carry, Case, Verdict};
use crate::cases::check;
use crate::kill_loop::{self, Found, Line, Lost, Play};
use crate::subject::Subject;
use crate::{list, suite};

thread_local! {
    /// Made once: a subject may count.
    static SUBJECTS: RefCell<Option<Rc<[Exported]>>> = const { RefCell::new(None) };
    /// The locations that are open.
    static HELD: RefCell<BTreeMap<(usize, String), Rc<dyn StorageBackend>>> = const { RefCell::new(BTreeMap::new()) };
}

/// A request as JSON, and the promise of its answer.
pub fn serve(request: String, subjects: fn() -> Vec<Exported>) -> Promise {
    let make = || {
        keep_panics();
        subjects().into()
    };
    let subjects = SUBJECTS.with_borrow_mut(|made| Rc::clone(made.get_or_insert_with(make)));
    future_to_promise(async move {
        let answer = match serde_json::from_str(&request) {
            Ok(request) => answer(&subjects, request).await.unwrap_or_else(Answer::Senseless),
            Err(error) => Answer::Senseless(format!("{error} in {request}")),
        };
        serde_json::to_string(&answer).map(JsValue::from).map_err(|error| JsValue::from(error.to_string()))
    })
}

async fn answer(subjects: &[Exported], request: Request) -> std::result::Result<Answer, String> {
    let subject = |number: usize| -> std::result::Result<&dyn Subject, String> {
        subjects.get(number).map(|exported| &*exported.subject).ok_or_else(|| format!("there is no subject {number}"))
    };
    let find = |name: &str| list::find(name).ok_or_else(|| format!("no case is called {name}"));
    Ok(match request {
        Request::Describe => Answer::Described(subjects.iter().map(Exported::describe).collect()),
        Request::Declared { subject: of } => Answer::Declared(suite::declared(subject(of)?).await.map(Into::into).map_err(Into::into)),
        Request::Case { subject: on, case, crossing } => {
            Answer::Verdict(suite::here(subject(on)?, find(&case)?, crossing).await.map_err(Into::into))
        }
        Request::InSmallPlace { subject: on, case, label } => {
            Answer::Verdict(in_place(subject(on)?, find(&case)?, &label).await.map_err(Into::into))
        }
        Request::Before { subject: on, case, label } => Answer::Carry(before(subject(on)?, find(&case)?, &label).await.map_err(Into::into)),
        Request::After { subject: on, case, label, carry } => {
            Answer::Verdict(after(subject(on)?, find(&case)?, &label, &carry).await.map_err(Into::into))
        }
        Request::Load { subject: on, play, announce } => load(subject(on)?, &play, &announce).await?,
        Request::Look { subject: on, label, leftover, post: to } => {
            let found = look(subject(on)?, &label, leftover.as_deref()).await;
            if let Ok(found) = &found {
                post(&to, &found.tree.to_bytes()).await.map_err(|error| error.to_string())?;
            }
            Answer::Looked(found.map(|found| found.capabilities.into()))
        }
        Request::Act { subject: on, label, acts } => {
            let key = (on, label);
            Answer::Acted(act(subject(on)?, &key, &acts).await.map_err(Into::into))
        }
    })
}

async fn in_place(subject: &dyn Subject, case: &Case, label: &str) -> Verdict {
    suite::whole(case, &*subject.place(label).await?).await
}

async fn before(subject: &dyn Subject, case: &Case, label: &str) -> std::result::Result<Carry, Broken> {
    let backend = subject.place(label).await?.open().await?;
    let (backend, carry) = suite::before(case, backend).await?;
    // Nobody closes it: what comes next is the end of this page or worker.
    std::mem::forget(backend);
    Ok(carry)
}

async fn after(subject: &dyn Subject, case: &Case, label: &str, carry: &str) -> Verdict {
    let backend = subject.place(label).await?.open().await?;
    suite::after(case, backend, carry).await
}

async fn load(subject: &dyn Subject, play: &Play, to: &str) -> std::result::Result<Answer, String> {
    let opening = async { subject.place(&play.address).await?.open().await };
    let mut announce = async |line: &Line| {
        if let Line::End { number } = line {
            end(*number);
        }
        post(to, line.to_string().as_bytes()).await?;
        if let Line::Begin { number, .. } = line {
            begin(*number);
        }
        Ok(())
    };
    kill_loop::play(play, opening, &mut announce).await.map_err(|error| error.to_string())?;
    Ok(Answer::Ended)
}

async fn look(subject: &dyn Subject, label: &str, leftover: Option<&str>) -> std::result::Result<Found, Lost> {
    let leftover = leftover.map(StoragePath::parse).transpose().map_err(|error| Lost { line: None, text: error.to_string() })?;
    let opening = async { subject.place(label).await?.open().await };
    kill_loop::look(opening, leftover.as_ref()).await
}

/// Does what is asked at a location that stays open from one request to the next.
async fn act(subject: &dyn Subject, key: &(usize, String), acts: &[Act]) -> Result<()> {
    let held = HELD.with_borrow(|held| held.get(key).cloned());
    let backend = match held {
        Some(backend) => backend,
        None => {
            let backend: Rc<dyn StorageBackend> = subject.place(&key.1).await?.open().await?.into();
            HELD.with_borrow_mut(|held| held.insert(key.clone(), Rc::clone(&backend)));
            backend
        }
    };
    for act in acts {
        one(&*backend, act).await?;
        if matches!(act, Act::Close) {
            HELD.with_borrow_mut(|held| held.remove(key));
        }
    }
    Ok(())
}

async fn one(backend: &dyn StorageBackend, act: &Act) -> Result<()> {
    match act {
        Act::Write { path, len, seed } => backend.write(&StoragePath::parse(path)?, &check::pattern(*seed, *len)).await,
        Act::WriteAt { path, offset, len, seed } => edit(backend, path).await?.write_at(*offset, &check::pattern(*seed, *len)).await,
        Act::Compare { path, len, seed } => {
            let path = StoragePath::parse(path)?;
            match check::difference(&backend.read(&path).await?, &check::pattern(*seed, *len)) {
                None => Ok(()),
                Some(difference) => Err(Error::new(ErrorKind::Corrupt, Operation::Read).with_path(&path).with_text(difference)),
            }
        }
        Act::Remove { path } => backend.remove_file(&StoragePath::parse(path)?).await,
        Act::CreateDir { path } => backend.create_dir(&StoragePath::parse(path)?).await,
        Act::Rename { from, to } => backend.rename(&StoragePath::parse(from)?, &StoragePath::parse(to)?).await,
        Act::SyncFile { path } => edit(backend, path).await?.sync().await,
        Act::Sync => backend.sync().await,
        Act::Close => backend.close().await,
    }
}

async fn edit(backend: &dyn StorageBackend, path: &str) -> Result<Box<dyn StorageFile>> {
    backend.open(&StoragePath::parse(path)?, &OpenOptions::new().write(true).create(true)).await
}
