//! Symbolic links.

use anystorage_api::{Attributes, MAX_PATH_LEN};

use crate::counters::Call;
use crate::records::{Record, Special};
use crate::{Errno, Result, Vfs};

impl Vfs {
    /// `symlink(2)`: makes a link at `path` that leads to `target`, which need not exist.
    ///
    /// # Errors
    /// `EEXIST`; `ENOENT` for an empty target; `ELOOP`, `ENAMETOOLONG`, `ENOTDIR`; what the engine reports.
    pub fn symlink(&self, target: &str, path: &str) -> Result<()> {
        self.call(Call::Symlink, (target, path), || {
            if target.is_empty() {
                return Err(Errno::ENOENT);
            }
            if target.len() >= MAX_PATH_LEN {
                return Err(Errno::ENAMETOOLONG);
            }
            if target.contains('\0') {
                return Err(Errno::EINVAL);
            }
            let tree = &mut *self.tree();
            let start = self.start().location(tree, path)?;
            let walked = tree.walk(&start, path, false)?;
            if walked.found.is_some() {
                return Err(Errno::EEXIST);
            }
            if walked.slash {
                return Err(Errno::ENOENT);
            }
            let at = walked.target()?;
            let mount = tree.at(&at)?;
            mount.before_create(&at.path)?;
            if !mount.keeps {
                return mount.create_special(&at.path, Record { special: Some(Special::Link(target.to_owned())), ..Record::default() });
            }
            mount.create_empty(&at.path)?;
            let link = Attributes::new().link_target(target);
            if let Err(error) = mount.engine.set_attributes(&at.path, &link) {
                let errno = mount.causes.errno(error);
                // The link did not come to be, and the error that matters is the first one.
                let _ = mount.engine.remove_file(&at.path);
                return Err(errno);
            }
            mount.entry_changed(&at.path);
            Ok(())
        })
    }

    /// `readlink(2)`: where a link leads, as it was given.
    ///
    /// # Errors
    /// `EINVAL` if it is no link; `ELOOP`, `ENAMETOOLONG`, `ENOENT`, `ENOTDIR`; what the engine reports.
    pub fn readlink(&self, path: &str) -> Result<String> {
        self.call(Call::Readlink, path, || {
            let tree = &mut *self.tree();
            self.lookup(tree, &self.start(), path, false)?.link.ok_or(Errno::EINVAL)
        })
    }
}
