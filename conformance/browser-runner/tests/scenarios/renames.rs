//! A directory that is on its way when the browser is killed (contract line 4, where `atomic_rename_dir` is not declared).

use std::thread::sleep;
use std::time::{Duration, Instant};

use anystorage_api::ErrorKind;
use anystorage_browser_runner::driver::Storage;
use anystorage_conformance::browser::wire::{Act, Browser, Context};

use crate::world::{Page, Place, World, browser, compare, label, write};

/// The engines that rename directories entry by entry.
const PLACES: [Place; 3] = [("opfs", Context::Page), ("opfs", Context::Worker), ("opfs-stream", Context::Page)];

const DIRECTORIES: usize = 4;
const FILES: usize = 12;

/// Until a kill found each of them half-way, or as many were tried.
const KILLS: usize = 12;

#[test]
fn a_killed_rename_of_a_directory_leaves_each_file_in_one_of_the_two() {
    if browser() == Browser::WebKit {
        println!("webkit has no OPFS here");
        return;
    }
    let mut world = World::new(Storage::Usual);
    let mut page = world.page();
    // The longest of them: all go on at the same time below.
    let mut took = Duration::ZERO;
    for place in PLACES {
        fill(&page, place, "whole");
        let start = Instant::now();
        page.act(place, &label(place, "whole"), &[rename()]).unwrap();
        took = took.max(start.elapsed());
        assert_eq!(found(&page, place, "whole"), [0, DIRECTORIES * FILES], "{place:?}");
    }
    println!("{}: a rename of {} files takes up to {took:?}", browser().as_str(), DIRECTORIES * FILES);

    let mut halfway = PLACES.map(|_| 0);
    for kill in 0..KILLS {
        let name = format!("killed-{kill}");
        PLACES.iter().for_each(|place| fill(&page, *place, &name));
        for place in PLACES {
            let _ = page.begin(place, &label(place, &name), &[rename()]);
        }
        sleep(took.mul_f64((kill % 6 + 1) as f64 / 4.0));
        world = world.killed_and_started();
        page = world.page();
        for (place, halfway) in PLACES.into_iter().zip(&mut halfway) {
            page.opens_soon(place, &label(place, &name));
            let [old, new] = found(&page, place, &name);
            println!("    {place:?}: {old} files in the old directory, {new} in the new one");
            *halfway += usize::from(old > 0 && new > 0);
            // And work goes on in what is there.
            let more = if old > 0 { "old/more" } else { "new/more" };
            page.act(place, &label(place, &name), &[write(more, 5000, 1), Act::Sync, compare(more, 5000, 1)]).unwrap();
        }
        if !halfway.contains(&0) {
            return;
        }
    }
    panic!("{KILLS} kills found these half-way so often: {PLACES:?}, {halfway:?}");
}

fn rename() -> Act {
    Act::Rename { from: "old".to_owned(), to: "new".to_owned() }
}

fn paths() -> impl Iterator<Item = String> {
    (0..DIRECTORIES).flat_map(|directory| (0..FILES).map(move |file| format!("{directory}/{file}")))
}

/// Makes the directory, and syncs it.
fn fill(page: &Page, place: Place, name: &str) {
    let directory = |path: String| Act::CreateDir { path };
    let mut acts: Vec<Act> = vec![directory("old".to_owned())];
    acts.extend((0..DIRECTORIES).map(|number| directory(format!("old/{number}"))));
    acts.extend(paths().zip(0..).map(|(path, seed)| write(&format!("old/{path}"), 3000, seed)));
    acts.push(Act::Sync);
    page.act(place, &label(place, name), &acts).unwrap();
}

/// How many files are in the old directory, and how many in the new one. Each is in one of them, whole.
fn found(page: &Page, place: Place, name: &str) -> [usize; 2] {
    let mut found = [0, 0];
    for (path, seed) in paths().zip(0..) {
        let is_in = |directory: &str| match page.act(place, &label(place, name), &[compare(&format!("{directory}/{path}"), 3000, seed)]) {
            Ok(()) => true,
            Err(refusal) if refusal.kind == ErrorKind::NotFound.as_str() => false,
            Err(refusal) => panic!("{place:?} {name}: {directory}/{path}: {refusal:?}"),
        };
        match [is_in("old"), is_in("new")] {
            [true, false] => found[0] += 1,
            [false, true] => found[1] += 1,
            [old, new] => panic!("{place:?} {name}: {path} is in the old directory: {old}, in the new one: {new}"),
        }
    }
    found
}
