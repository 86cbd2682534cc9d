//! `close`, `dup`, `ioctl`: what is about descriptors themselves.

use std::sync::Arc;

use crate::counters::Call;
use crate::descriptors::{Body, Description};
use crate::ioctl::{Argument, FIONBIO, is_of_terminals};
use crate::{Errno, OpenFlags, Result, Vfs};

impl Vfs {
    /// `close(2)`. It does not sync.
    ///
    /// # Errors
    /// `EBADF`; what the engine reports, and the descriptor is closed all the same.
    pub fn close(&self, descriptor: i32) -> Result<()> {
        self.call(Call::Close, descriptor, || {
            let description = self.descriptors().remove(descriptor)?;
            self.release(description)
        })
    }

    /// Closes every descriptor, as the end of a process does.
    pub fn close_all(&self) {
        let numbers = self.descriptors().numbers();
        for number in numbers {
            // Nobody is there to be told.
            let _ = self.close(number);
        }
    }

    /// `dup(2)`: the lowest descriptor that is free, for the same open file with the same offset.
    ///
    /// # Errors
    /// `EBADF`, `EMFILE`.
    pub fn dup(&self, descriptor: i32) -> Result<i32> {
        self.call(Call::Dup, descriptor, || {
            let mut descriptors = self.descriptors();
            let description = descriptors.get(descriptor)?;
            let number = descriptors.reserve()?;
            descriptors.settle(number, Some(description));
            Ok(number)
        })
    }

    /// `dup2(2)`: `to` becomes another descriptor of what `from` is open on; what it was is closed. Onto itself nothing changes.
    ///
    /// # Errors
    /// `EBADF` if `from` is not open or `to` cannot be a descriptor; `EBUSY` while another thread is opening `to`.
    pub fn dup2(&self, from: i32, to: i32) -> Result<i32> {
        self.call(Call::Dup, (from, to), || {
            let replaced = {
                let mut descriptors = self.descriptors();
                let description = descriptors.get(from)?;
                if from == to {
                    return Ok(to);
                }
                descriptors.replace(to, description)?
            };
            if let Some(replaced) = replaced {
                // As on Linux: what closing reports is lost.
                let _ = self.release(replaced);
            }
            Ok(to)
        })
    }

    /// Which descriptors are open.
    #[must_use]
    pub fn descriptors_open(&self) -> Vec<i32> {
        self.descriptors().numbers()
    }

    /// The flags that a descriptor was opened with: `F_GETFL` of `fcntl(2)`, and what `FIONBIO` made of them.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn flags(&self, descriptor: i32) -> Result<OpenFlags> {
        Ok(self.description(descriptor)?.flags())
    }

    /// `ioctl(2)`: the requests of terminals for those that are registered, and `FIONBIO` for all.
    ///
    /// # Errors
    /// `EBADF`; `ENOTTY` for a request of terminals elsewhere; `EFAULT` for an argument of the wrong type; `EINVAL` for any other request.
    pub fn ioctl(&self, descriptor: i32, request: u32, argument: &mut Argument<'_>) -> Result<i32> {
        self.call(Call::Ioctl, (descriptor, request), || {
            let description = self.description(descriptor)?;
            match (&description.body, request) {
                (Body::Path, _) => Err(Errno::EBADF),
                (_, FIONBIO) => {
                    let Argument::Number(on) = argument else { return Err(Errno::EFAULT) };
                    description.set_nonblocking(*on != 0);
                    Ok(0)
                }
                (Body::Device(device), _) => device.ioctl(request, argument),
                _ if is_of_terminals(request) => Err(Errno::ENOTTY),
                _ => Err(Errno::EINVAL),
            }
        })
    }

    /// Lets go of one descriptor's share.
    fn release(&self, description: Arc<Description>) -> Result<()> {
        // Who shares it will be the last then.
        let Some(description) = Arc::into_inner(description) else { return Ok(()) };
        let Description { node, body, .. } = description;
        let mut tree = self.tree();
        if let Ok(mount) = tree.mount(node.mount) {
            mount.release(&node);
        }
        match body {
            Body::File(file) => file.close().map_err(|error| self.causes.errno(error)),
            _ => Ok(()),
        }
    }
}
