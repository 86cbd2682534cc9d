//! The server that pages under the runner are loaded from, and that they take their orders from.
//!
//! - `http`: the protocol
//! - `site`: files for anybody, without orders
//! - `state`: the tabs, and what is waiting for each
//! - `tab`: a tab, as the rest of the runner sees it

mod http;
mod site;
mod state;
mod tab;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use self::http::{Incoming, Outgoing};
pub use self::site::{Served, Site};
use self::state::Shared;
pub use self::state::{Announcements, Heard};
pub use self::tab::{Asked, Order, PostBox, Tab};
pub(crate) use self::tab::{PATIENCE, hung};
use crate::failure::{Failure, Result};
use crate::package::Module;

const PAGE: &str = include_str!("../web/page.html");

/// A page that does nothing by itself.
const EMPTY: &str = "<!doctype html><meta charset=\"utf-8\"><title>anystorage</title><link rel=\"icon\" href=\"data:,\">";
const PAGE_SCRIPT: &str = include_str!("../web/page.js");
const WORKER_SCRIPT: &str = include_str!("../web/worker.js");

const EMPTY_PATH: &str = "/empty";

/// The parameter with which a page, and its worker's script, is sent as isolated from other origins. As in `page.js`.
const ISOLATED: &str = "isolated";

/// A policy under which nothing runs that the server did not send: no inline scripts, no `eval`, no workers from blobs.
const STRICT_POLICY: &str =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'; img-src data:";

/// It runs until the process ends.
#[derive(Clone, Debug)]
pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    tabs: Arc<AtomicU32>,
}

impl Server {
    /// Serves a suite on a port of this machine.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start(module: Module) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::of("no port to serve the suite on"))?;
        let port = listener.local_addr().map_err(Failure::of("the port of the server is not known"))?.port();
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        http::serve(listener, move |incoming| {
            let isolated = !incoming.parameter(ISOLATED).is_empty();
            let answer = answer(&module, &state, incoming);
            if isolated { answer.isolated() } else { answer }
        });
        Ok(Self { port, shared, tabs: Arc::default() })
    }

    /// The port, on the loopback interface.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The origin of its pages.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The URL of a page that does nothing by itself.
    #[must_use]
    pub fn empty_page(&self) -> String {
        format!("{}{EMPTY_PATH}", self.origin())
    }

    /// The same, isolated from other origins.
    #[must_use]
    pub fn isolated_empty_page(&self) -> String {
        format!("{}?{ISOLATED}=yes", self.empty_page())
    }

    /// A tab that nobody has opened yet.
    #[must_use]
    pub fn tab(&self) -> Tab {
        let name = format!("tab{}", self.tabs.fetch_add(1, Ordering::Relaxed));
        Tab::new(Arc::clone(&self.shared), name)
    }

    /// Where a load announces what it does.
    #[must_use]
    pub fn announcements(&self) -> Announcements {
        Announcements::new(Arc::clone(&self.shared))
    }
}

fn answer(module: &Module, shared: &Shared, incoming: Incoming) -> Outgoing {
    let file = |kind: &str, body: &[u8]| Outgoing::new(200, body).with("content-type", kind);
    let key = incoming.parameter("key");
    let tab = incoming.parameter("tab");
    let life = incoming.parameter("life").parse().unwrap_or_default();
    match (incoming.method.as_str(), incoming.path.as_str()) {
        ("GET", "/") => file("text/html", PAGE.as_bytes()),
        ("GET", EMPTY_PATH) => file("text/html", EMPTY.as_bytes()),
        ("GET", "/strict") => file("text/html", PAGE.as_bytes()).with("content-security-policy", STRICT_POLICY),
        ("GET", "/page.js") => file("text/javascript", PAGE_SCRIPT.as_bytes()),
        ("GET", "/worker.js") => file("text/javascript", WORKER_SCRIPT.as_bytes()),
        ("GET", "/suite_bg.wasm") => Outgoing::new(200, Arc::clone(&module.wasm)).with("content-type", "application/wasm"),
        ("POST", "/hello") => Outgoing::new(200, shared.hello(tab).to_string().into_bytes()),
        ("POST", "/take") => match shared.take(tab, life) {
            state::Taken::Order(order) => file("application/json", order.as_bytes()),
            state::Taken::Nothing => Outgoing::new(204, *b""),
            state::Taken::Outlived => Outgoing::new(410, *b""),
        },
        ("POST", "/answer") => {
            let id = incoming.parameter("id").parse().unwrap_or_default();
            shared.answered(tab, id, String::from_utf8_lossy(&incoming.body).into_owned());
            Outgoing::new(200, *b"")
        }
        ("POST", "/trouble") => {
            shared.trouble(tab, life, String::from_utf8_lossy(&incoming.body).into_owned());
            Outgoing::new(200, *b"")
        }
        ("POST", "/announce") => {
            shared.announce(key, &String::from_utf8_lossy(&incoming.body));
            Outgoing::new(200, *b"")
        }
        ("POST", "/post") => {
            shared.post(key, incoming.body.clone());
            Outgoing::new(200, *b"")
        }
        ("GET", path) if module.scripts.contains_key(path) => {
            file("text/javascript", module.scripts.get(path).map(String::as_bytes).unwrap_or_default())
        }
        _ => Outgoing::new(404, *b""),
    }
}
