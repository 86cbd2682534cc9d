//! A terminal as a device, which the host has no like of without a keyboard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use anystorage_api::Blocking;
use anystorage_memory::MemoryBackend;
use anystorage_vfs::{
    Argument, DeviceNumber, Errno, FIONBIO, MountOptions, OpenFlags, Result, S_IFCHR, SEEK_SET, TCFLSH, TCGETA, TCGETS, TCSBRK, TCSETA,
    TCSETAF, TCSETAW, TCSETS, TCSETSF, TCSETSW, TCXONC, TIOCGWINSZ, TIOCSWINSZ, Terminal, Termios, Tty, Vfs, WindowSize,
};

#[derive(Debug, Default)]
struct Console {
    typed: Mutex<VecDeque<u8>>,
    shown: Mutex<Vec<u8>>,
}

impl Terminal for Console {
    fn read(&self, buf: &mut [u8], _nonblocking: bool) -> Result<usize> {
        let mut typed = self.typed.lock().unwrap();
        if typed.is_empty() {
            return Err(Errno::EAGAIN);
        }
        let count = buf.len().min(typed.len());
        for (to, from) in buf.iter_mut().zip(typed.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }

    fn write(&self, data: &[u8]) -> Result<usize> {
        self.shown.lock().unwrap().extend_from_slice(data);
        Ok(data.len())
    }

    fn drop_input(&self) {
        self.typed.lock().unwrap().clear();
    }
}

#[test]
fn a_registered_terminal_reads_writes_and_keeps_its_settings() {
    let number = DeviceNumber::new(5, 0);
    let vfs = Vfs::new();
    vfs.mount("/", Blocking::new(MemoryBackend::new()).unwrap(), MountOptions::new()).unwrap();
    vfs.mkdir("/dev", 0o755).unwrap();
    vfs.mknod("/dev/tty", S_IFCHR | 0o666, number).unwrap();
    assert_eq!(vfs.open("/dev/tty", OpenFlags::O_RDWR, 0), Err(Errno::ENXIO));
    let tty = Arc::new(Tty::new(Console::default(), 24, 80));
    assert!(vfs.register_device(number, tty.clone()).is_none());
    let file = vfs.open("/dev/tty", OpenFlags::O_RDWR, 0).unwrap();

    tty.terminal().typed.lock().unwrap().extend(b"ls\n");
    let mut buf = [0; 10];
    assert_eq!(vfs.read(file, &mut buf), Ok(3));
    assert_eq!(vfs.read(file, &mut buf), Err(Errno::EAGAIN));
    assert_eq!(vfs.write(file, b"a b"), Ok(3));
    assert_eq!(*tty.terminal().shown.lock().unwrap(), b"a b");
    assert_eq!(vfs.lseek(file, 0, SEEK_SET), Err(Errno::ESPIPE));
    assert_eq!(vfs.pread(file, &mut buf, 0), Err(Errno::ESPIPE));
    assert_eq!(vfs.pwrite(file, b"x", 0), Err(Errno::ESPIPE));
    assert_eq!(vfs.fsync(file), Err(Errno::EINVAL));
    assert_eq!(vfs.ftruncate(file, 0), Err(Errno::EINVAL));

    let ioctl = |request, argument: &mut Argument<'_>| vfs.ioctl(file, request, argument);
    let mut termios = Termios::default();
    for (get, sets) in [(TCGETS, [TCSETS, TCSETSW, TCSETSF]), (TCGETA, [TCSETA, TCSETAW, TCSETAF])] {
        for set in sets {
            termios.lflag ^= 0o12;
            assert_eq!(ioctl(set, &mut Argument::Termios(&mut termios)), Ok(0));
            let mut told = Termios::default();
            assert_eq!(ioctl(get, &mut Argument::Termios(&mut told)), Ok(0));
            assert_eq!((told, tty.termios()), (termios, termios));
        }
    }
    let mut size = WindowSize::default();
    assert_eq!(ioctl(TIOCGWINSZ, &mut Argument::WindowSize(&mut size)), Ok(0));
    assert_eq!((size.rows, size.columns), (24, 80));
    size.columns = 132;
    assert_eq!(ioctl(TIOCSWINSZ, &mut Argument::WindowSize(&mut size)), Ok(0));
    assert_eq!(tty.window_size(), size);
    assert_eq!(ioctl(TCSBRK, &mut Argument::Number(1)), Ok(0));
    assert_eq!(ioctl(TCXONC, &mut Argument::Number(0)), Ok(0));
    assert_eq!(vfs.write(file, b"held"), Err(Errno::EAGAIN));
    assert_eq!(ioctl(TCXONC, &mut Argument::Number(1)), Ok(0));
    assert_eq!(vfs.write(file, b"x"), Ok(1));
    assert_eq!(ioctl(TCXONC, &mut Argument::Number(4)), Err(Errno::EINVAL));
    tty.terminal().typed.lock().unwrap().extend(b"dropped");
    assert_eq!(ioctl(TCFLSH, &mut Argument::Number(0)), Ok(0));
    assert_eq!(vfs.read(file, &mut buf), Err(Errno::EAGAIN));
    assert_eq!(ioctl(TCFLSH, &mut Argument::Number(3)), Err(Errno::EINVAL));
    assert_eq!(ioctl(FIONBIO, &mut Argument::Number(1)), Ok(0));
    assert!(vfs.flags(file).unwrap().has(OpenFlags::O_NONBLOCK));
    assert_eq!(ioctl(TCGETS, &mut Argument::None), Err(Errno::EFAULT));
    for unknown in [0, 0x5400, 0x540c, 0x540d, 0x5412, 0x541b, u32::MAX] {
        assert_eq!(ioctl(unknown, &mut Argument::None), Err(Errno::EINVAL), "{unknown:#x}");
    }
}
