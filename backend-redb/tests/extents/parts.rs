//! Parts of blocks that are read by themselves.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex};

use anystorage_api::{Error, ErrorKind, OpenOptions, Result, StorageBackend, StorageFile, StoragePath};
use anystorage_conformance::simdisk::Rng;
use anystorage_kv::KvOptions;
use anystorage_redb::{ExtentFile, RedbBackend, RedbOptions, StoreFile};
use futures_lite::future::block_on;

/// As browsers have it, in bytes.
const BLOCK: usize = (16 << 10) - 256;
const CACHE: usize = 16 << 20;

fn path() -> StoragePath {
    StoragePath::parse("file").unwrap()
}

/// Bytes that others can reach, and how long each read of them was.
#[derive(Clone, Debug, Default)]
struct Bytes {
    bytes: Arc<Mutex<Vec<u8>>>,
    reads: Arc<Mutex<Vec<usize>>>,
}

impl Bytes {
    fn reads(&self) -> Vec<usize> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }

    fn open(&self, cache: usize) -> RedbBackend {
        let options = RedbOptions::new().block_size(Some(BLOCK)).cache_bytes(cache);
        anystorage_redb::open(ExtentFile::over(self.clone()).unwrap(), "bytes", &options, KvOptions::new()).unwrap()
    }
}

impl StoreFile for Bytes {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.reads.lock().unwrap().push(out.len());
        let (bytes, from) = (self.bytes.lock().unwrap(), usize::try_from(offset).unwrap());
        out.copy_from_slice(bytes.get(from..from + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (mut bytes, from) = (self.bytes.lock().unwrap(), usize::try_from(offset).unwrap());
        let end = from + data.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[from..end].copy_from_slice(data);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn random() -> Rng {
    let seed = crate::seed();
    println!("ANYSTORAGE_SEED={seed} repeats this run");
    Rng::new(seed)
}

fn some(random: &mut Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.below(256) as u8).collect()
}

/// A file of such bytes.
async fn synced(backend: &RedbBackend, random: &mut Rng, len: usize) -> Result<(Box<dyn StorageFile>, Vec<u8>)> {
    let file = backend.open(&path(), &OpenOptions::editing()).await?;
    let data = some(random, len);
    for (at, data) in (0..).step_by(1 << 20).zip(data.chunks(1 << 20)) {
        file.write_at(at, data).await?;
    }
    file.sync().await?;
    Ok((file, data))
}

const READ: usize = 4096;
const LEN: usize = 48 << 20;

#[test]
fn a_read_here_and_there_reads_little_more_than_it_is_asked_for() {
    let mut random = random();
    let bytes = Bytes::default();
    let backend = bytes.open(CACHE);
    block_on(async {
        let (file, data) = synced(&backend, &mut random, LEN).await?;
        let mut read = vec![0; READ];
        // Once each block as a whole; those that redb has in memory, later.
        for round in 0..4 {
            bytes.reads();
            for _ in 0..20_000 {
                let at = random.below((LEN - READ) as u64);
                assert_eq!(file.read_at(at, &mut read).await?, READ);
                assert_eq!(read, data[at as usize..at as usize + READ]);
            }
            let reads = bytes.reads();
            let pages = reads.iter().filter(|len| **len > READ + 2048).count();
            println!("{round}: {pages} of {} reads were of pages", reads.len());
            // Some are wanted again soon, and so are kept in memory.
            assert!(round == 0 || pages < reads.len() / 20, "round {round}: {pages} reads of pages");
        }
        // Blocks that are wanted again and again are in memory, whatever else is read beside them.
        for round in 0..40 {
            for block in 0..50 {
                let at = (block * 50 * BLOCK) as u64;
                bytes.reads();
                file.read_at(at, &mut read).await?;
                assert!(round < 2 || bytes.reads().is_empty(), "round {round}, block {block}");
                if block % 5 == 0 {
                    file.read_at(random.below((LEN - READ) as u64), &mut read).await?;
                }
            }
        }
        // From one end to the other each block is read once.
        bytes.reads();
        for at in (0..LEN as u64).step_by(READ) {
            assert_eq!(file.read_at(at, &mut read).await?, READ);
        }
        assert!(bytes.reads().len() < LEN / BLOCK * 11 / 10);
        Ok::<_, Error>(())
    })
    .unwrap();
}

/// Commits that move what is stored, and files that take the place of others.
#[test]
fn what_is_read_is_what_was_written_wherever_it_lies_by_now() {
    let mut random = random();
    let bytes = Bytes::default();
    // Of the file, redb has little in memory.
    let backend = bytes.open(1 << 20);
    let len = 4 << 20;
    block_on(async {
        let (file, mut model) = synced(&backend, &mut random, len).await?;
        let other = StoragePath::parse("other")?;
        for step in 0..20_000 {
            let at = random.below(len as u64 - 1);
            let count = (random.below(READ as u64) as usize + 1).min(len - at as usize);
            let within = at as usize..at as usize + count;
            match random.below(100) {
                0..3 => {
                    let data = some(&mut random, count);
                    file.write_at(at, &data).await?;
                    model[within].copy_from_slice(&data);
                }
                3 => file.sync().await?,
                4 if step % 20 == 0 => {
                    let other_len = random.below(1 << 20) as usize;
                    backend.write(&other, &some(&mut random, other_len)).await?;
                    backend.sync().await?;
                }
                5 if step % 20 == 0 => {
                    file.set_len(at).await?;
                    file.set_len(len as u64).await?;
                    model[at as usize..].fill(0);
                    let data = some(&mut random, len - at as usize);
                    file.write_at(at, &data).await?;
                    model[at as usize..].copy_from_slice(&data);
                }
                _ => {
                    let mut read = vec![0; count];
                    assert_eq!(file.read_at(at, &mut read).await?, count, "step {step}");
                    assert!(read == model[within], "step {step}");
                }
            }
        }
        Ok::<_, Error>(())
    })
    .unwrap();
}

/// Changes bits of where the blocks of `data` lie that are whole, and of nothing else.
fn damage(stored: &mut [u8], data: &[u8], random: &mut Rng) {
    let heads: HashSet<&[u8]> = data.chunks_exact(BLOCK).map(|block| &block[..16]).collect();
    let begins: Vec<usize> = (0..=stored.len() - BLOCK).filter(|at| heads.contains(&stored[*at..*at + 16])).collect();
    assert!(begins.len() >= data.len() / BLOCK, "{} blocks", begins.len());
    for _ in 0..400 {
        let begin = random.pick(&begins).unwrap();
        stored[begin + random.below(BLOCK as u64) as usize] ^= 1 << random.below(8);
    }
}

#[test]
fn what_is_damaged_behind_its_back_is_not_read_as_other_bytes() {
    let mut random = random();
    let bytes = Bytes::default();
    let backend = bytes.open(1 << 20);
    let len = 8 << 20;
    block_on(async {
        let (file, data) = synced(&backend, &mut random, len).await?;
        let mut read = vec![0; READ];
        for _ in 0..2 {
            for at in (0..(len / READ) as u64).rev().map(|block| block * READ as u64) {
                file.read_at(at, &mut read).await?;
            }
        }
        // In the blocks themselves: what redb notes of its pages may end it.
        damage(&mut bytes.bytes.lock().unwrap(), &data, &mut random);
        let mut told = 0;
        for at in (0..(len / READ) as u64).rev().map(|block| block * READ as u64) {
            match file.read_at(at, &mut read).await {
                Ok(_) => assert!(read == data[at as usize..at as usize + READ], "at {at}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
                    told += 1;
                }
            }
        }
        println!("{told} reads were told of it");
        assert!(told > 50, "{told}");
        Ok::<_, Error>(())
    })
    .unwrap();
}
