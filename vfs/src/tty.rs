//! A terminal as a character device.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anystorage_api::{MaybeSend, MaybeSync};

use crate::devices::Device;
use crate::ioctl::{
    Argument, TCFLSH, TCGETA, TCGETS, TCSBRK, TCSETA, TCSETAF, TCSETAW, TCSETS, TCSETSF, TCSETSW, TCXONC, TIOCGWINSZ, TIOCSWINSZ, Termios,
    WindowSize,
};
use crate::{Errno, Result};

/// What a terminal is to the application: keys and a screen.
pub trait Terminal: Debug + MaybeSend + MaybeSync + 'static {
    /// Takes what was typed; 0 is the end of input.
    ///
    /// # Errors
    /// `EAGAIN` if nothing was typed yet and it may not or cannot wait.
    fn read(&self, buf: &mut [u8], nonblocking: bool) -> Result<usize>;

    /// Shows bytes, and returns how many.
    ///
    /// # Errors
    /// What the screen reports.
    fn write(&self, data: &[u8]) -> Result<usize>;

    /// Drops what was typed and not read. By default nothing is.
    fn drop_input(&self) {}
}

/// A [`Terminal`] as a device, with settings and a window size.
///
/// The settings are kept and told. What they mean for keys (lines, echo) is the terminal's to do: it has what [`Self::termios`] says.
/// While output is stopped (`TCXONC`), writes are `EAGAIN`: nobody else could start it again during a call.
#[derive(Debug)]
pub struct Tty<T> {
    terminal: T,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    termios: Termios,
    size: WindowSize,
    stopped: bool,
}

impl<T: Terminal> Tty<T> {
    /// Over a terminal, with the settings that Linux gives a new one and a window of `rows` and `columns`.
    pub fn new(terminal: T, rows: u16, columns: u16) -> Self {
        let size = WindowSize { rows, columns, ..WindowSize::default() };
        Self { terminal, state: Mutex::new(State { size, ..State::default() }) }
    }

    /// The terminal.
    pub const fn terminal(&self) -> &T {
        &self.terminal
    }

    /// The settings.
    pub fn termios(&self) -> Termios {
        self.state().termios
    }

    /// The size of the window.
    pub fn window_size(&self) -> WindowSize {
        self.state().size
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Terminal> Device for Tty<T> {
    fn read(&self, buf: &mut [u8], nonblocking: bool) -> Result<usize> {
        self.terminal.read(buf, nonblocking)
    }

    fn write(&self, data: &[u8], _nonblocking: bool) -> Result<usize> {
        if self.state().stopped { Err(Errno::EAGAIN) } else { self.terminal.write(data) }
    }

    fn ioctl(&self, request: u32, argument: &mut Argument<'_>) -> Result<i32> {
        match (request, argument) {
            (TCGETS | TCGETA, Argument::Termios(to)) => **to = self.termios(),
            (TCSETS | TCSETSW | TCSETSF | TCSETA | TCSETAW | TCSETAF, Argument::Termios(from)) => {
                self.state().termios = **from;
                if matches!(request, TCSETSF | TCSETAF) {
                    self.terminal.drop_input();
                }
            }
            (TCSBRK, _) => {}
            (TCXONC, Argument::Number(action)) => match action {
                0 => self.state().stopped = true,
                1 => self.state().stopped = false,
                2 | 3 => {}
                _ => return Err(Errno::EINVAL),
            },
            (TCFLSH, Argument::Number(queue)) => match queue {
                0 | 2 => self.terminal.drop_input(),
                1 => {}
                _ => return Err(Errno::EINVAL),
            },
            (TIOCGWINSZ, Argument::WindowSize(to)) => **to = self.window_size(),
            (TIOCSWINSZ, Argument::WindowSize(from)) => self.state().size = **from,
            (TCGETS..=TCFLSH | TIOCGWINSZ | TIOCSWINSZ, _) => return Err(Errno::EFAULT),
            _ => return Err(Errno::EINVAL),
        }
        Ok(0)
    }
}
