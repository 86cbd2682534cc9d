//! Two tabs.

use crate::world::World;

/// A location has one holder: the second tab says so in words, keeps nothing half open, and gets in when the first is gone.
#[test]
fn a_second_tab_is_told_and_gets_in_after_the_first() {
    let world = World::new("?engine=idb");
    world.session.resize(1280, 1500).unwrap();
    let first = world.session.front_tab().unwrap();
    let second = world.session.open_tab().unwrap();
    world.session.go(&world.url("?engine=idb")).unwrap();
    world.until("document.documentElement.dataset.state === 'refused'");
    assert!(world.text("#refused-text").contains("Another tab"), "{}", world.text("#refused-text"));
    assert!(world.is("document.getElementById('upload').disabled && document.getElementById('prove').disabled"));
    world.picture("refused");

    world.session.to_front(&first).unwrap();
    world.session.close_tab().unwrap();
    world.session.to_front(&second).unwrap();
    world.session.click("#again").unwrap();
    world.opens();
    assert!(world.is("document.getElementById('refused').hidden"));
    world.ends_quietly();
}
