//! One table of calls, made to the face over every engine and to the host's own file system. What is right the host says.

mod face;
mod host;
mod line;

use anystorage_vfs::{Config, Vfs};

use crate::engines;
use line::Line;

/// Set for the process that makes the calls to the host, to the directory that is its root.
const HOST_ROOT: &str = "ANYSTORAGE_VFS_HOST_ROOT";

/// How many descriptors there may be.
const DESCRIPTORS: u32 = 40;

fn lines() -> Vec<Line<'static>> {
    let text = include_str!("../calls.txt");
    let lines: Vec<Line<'static>> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(Line::parse).collect();
    assert!(lines.len() >= 750, "the table has become short: {}", lines.len());
    lines
}

/// Fails where the face over any engine answers some call otherwise than Linux does.
#[test]
fn every_engine_answers_as_the_host() {
    if let Ok(root) = std::env::var(HOST_ROOT) {
        return host::answer(&root, &lines());
    }
    let lines = lines();
    let expected = host::answers(&lines);
    for engine in engines::NATIVE {
        let directory = engines::directory();
        let mut config = Config::new();
        config.max_descriptors = DESCRIPTORS;
        let vfs = Vfs::with_config(&config);
        engines::mount(&vfs, "/", engine, directory.path());
        let mut wrong = Vec::new();
        for (number, (line, expected)) in lines.iter().zip(&expected).enumerate() {
            let found = face::answer(&vfs, line);
            if found != *expected {
                wrong.push(format!("{number}: {line}\n    the host: {expected}\n    the face: {found}"));
            }
        }
        assert!(wrong.is_empty(), "{engine}: {} of {} calls differ\n{}", wrong.len(), lines.len(), wrong.join("\n"));
    }
    println!("{} calls, the same on the host and on {:?}", lines.len(), engines::NATIVE);
}
