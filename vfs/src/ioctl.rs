//! Requests to devices, with the numbers that Linux has on x86.

/// Asks for the settings of a terminal: [`Argument::Termios`].
pub const TCGETS: u32 = 0x5401;
/// Sets them at once.
pub const TCSETS: u32 = 0x5402;
/// Sets them when all output is out.
pub const TCSETSW: u32 = 0x5403;
/// Sets them when all output is out, and drops input that nobody read.
pub const TCSETSF: u32 = 0x5404;
/// As [`TCGETS`], in the older form.
pub const TCGETA: u32 = 0x5405;
/// As [`TCSETS`], in the older form.
pub const TCSETA: u32 = 0x5406;
/// As [`TCSETSW`], in the older form.
pub const TCSETAW: u32 = 0x5407;
/// As [`TCSETSF`], in the older form.
pub const TCSETAF: u32 = 0x5408;
/// Waits until all output is out; there is no line to break.
pub const TCSBRK: u32 = 0x5409;
/// Stops or starts output or input: [`Argument::Number`] from 0 to 3.
pub const TCXONC: u32 = 0x540a;
/// Drops input (0), output (1) or both (2) that is still on its way: [`Argument::Number`].
pub const TCFLSH: u32 = 0x540b;
/// Asks for the size of a window: [`Argument::WindowSize`].
pub const TIOCGWINSZ: u32 = 0x5413;
/// Sets it.
pub const TIOCSWINSZ: u32 = 0x5414;
/// Sets or clears `O_NONBLOCK`: [`Argument::Number`], 0 or not.
pub const FIONBIO: u32 = 0x5421;

/// The settings of a terminal: `struct termios` of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termios {
    /// `c_iflag`: input.
    pub iflag: u32,
    /// `c_oflag`: output.
    pub oflag: u32,
    /// `c_cflag`: the line.
    pub cflag: u32,
    /// `c_lflag`: lines, echo, signals.
    pub lflag: u32,
    /// `c_line`: the line discipline.
    pub line: u8,
    /// `c_cc`: the characters with a meaning.
    pub cc: [u8; 19],
}

impl Default for Termios {
    /// What a new terminal has on Linux.
    fn default() -> Self {
        let cc = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];
        Self { iflag: 0x500, oflag: 0x5, cflag: 0xbf, lflag: 0x8a3b, line: 0, cc }
    }
}

/// The size of a window: `struct winsize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSize {
    /// In characters.
    pub rows: u16,
    /// In characters.
    pub columns: u16,
    /// In pixels.
    pub width: u16,
    /// In pixels.
    pub height: u16,
}

/// What goes along with a request.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Argument<'a> {
    /// Nothing.
    None,
    /// A number.
    Number(i32),
    /// Settings, to read or to fill in.
    Termios(&'a mut Termios),
    /// A size, to read or to fill in.
    WindowSize(&'a mut WindowSize),
}

/// Whether it is one of those for terminals.
pub(crate) const fn is_of_terminals(request: u32) -> bool {
    matches!(request, TCGETS..=TCFLSH | TIOCGWINSZ | TIOCSWINSZ)
}
