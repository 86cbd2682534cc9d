//! The WebDriver protocol: JSON over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

use crate::failure::{Failure, Result};

/// How long a driver may take for one command, a browser's start among them.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a driver may take to listen.
const STARTING: Duration = Duration::from_secs(60);

/// A driver that listens on a port.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// Waits until the driver on this port answers.
    pub(super) fn connect(port: u16, mut is_alive: impl FnMut() -> Result<()>) -> Result<Self> {
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).proxy(None).build();
        let client = Self { agent: config.into(), base: format!("http://127.0.0.1:{port}") };
        let start = Instant::now();
        while client.get("/status").is_err() {
            is_alive()?;
            if start.elapsed() > STARTING {
                return Err(Failure::new(format!("the driver does not answer on port {port}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(client)
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        let answer = self.agent.get(format!("{}{path}", self.base)).call();
        value(path, answer.and_then(|mut answer| answer.body_mut().read_to_string()))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.base)).content_type("application/json");
        value(path, request.send(body.to_string()).and_then(|mut answer| answer.body_mut().read_to_string()))
    }

    pub(super) fn delete(&self, path: &str) -> Result<Value> {
        let answer = self.agent.delete(format!("{}{path}", self.base)).call();
        value(path, answer.and_then(|mut answer| answer.body_mut().read_to_string()))
    }

    /// Starts a browser: the session's number and what the driver tells of it.
    pub(super) fn new_session(&self, capabilities: &Value) -> Result<(String, Value)> {
        let session = self.post("/session", &json!({ "capabilities": { "alwaysMatch": capabilities } }))?;
        let number = session.get("sessionId").and_then(Value::as_str).ok_or_else(|| Failure::new("a session without a number"))?;
        Ok((number.to_owned(), session.get("capabilities").cloned().unwrap_or_default()))
    }
}

/// What is in an answer, or the error that is.
fn value(path: &str, answer: std::result::Result<String, ureq::Error>) -> Result<Value> {
    let text = answer.map_err(Failure::of(format!("the driver did not answer {path}")))?;
    let answer: Value = serde_json::from_str(&text).map_err(Failure::of(format!("the driver answered {path} by {text}")))?;
    let value = answer.get("value").cloned().unwrap_or_default();
    match value.get("error").and_then(Value::as_str) {
        None => Ok(value),
        Some(error) => {
            let message = value.get("message").and_then(Value::as_str).unwrap_or_default();
            Err(Failure::new(format!("the driver refused {path}: {error}: {}", message.lines().next().unwrap_or_default())))
        }
    }
}
