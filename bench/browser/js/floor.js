// The floor: the same work as in src/lib.rs, in plain JavaScript on what the platform has.

const BLOCK = 4096;
const STEP = 1 << 20;

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }
  block(blocks) {
    let state = this.state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state >>> 0;
    return this.state % blocks;
  }
}

// One synchronous access handle on a large file, and one for each small file.
export class OpfsFloor {
  static async open(bytes, name) {
    const floor = new OpfsFloor();
    const root = await navigator.storage.getDirectory();
    floor.directory = await root.getDirectoryHandle(name, { create: true });
    const file = await floor.directory.getFileHandle("large", { create: true });
    floor.large = await file.createSyncAccessHandle();
    floor.blocks = Math.ceil(bytes / BLOCK);
    const step = new Uint8Array(STEP).fill(0xa5);
    for (let offset = 0; offset < floor.blocks * BLOCK; offset += STEP) floor.large.write(step, { at: offset });
    floor.large.flush();
    const small = await (await floor.directory.getFileHandle("small", { create: true })).createSyncAccessHandle();
    small.write(new Uint8Array(BLOCK), { at: 0 });
    small.flush();
    small.close();
    floor.nextDirectory = 0;
    return floor;
  }

  async run(work, times, seed) {
    const random = new Random(seed);
    const large = this.large;
    switch (work) {
      case "reads": {
        const buffer = new Uint8Array(BLOCK);
        for (let i = 0; i < times; i++) large.read(buffer, { at: random.block(this.blocks) * BLOCK });
        return;
      }
      case "overwrites":
      case "overwrites, one sync":
      case "overwrites, a sync each": {
        const data = new Uint8Array(BLOCK).fill(0x5a);
        const each = work === "overwrites, a sync each";
        for (let i = 0; i < times; i++) {
          large.write(data, { at: random.block(this.blocks) * BLOCK });
          if (each) large.flush();
        }
        if (work === "overwrites, one sync") large.flush();
        return;
      }
      case "stream read": {
        const buffer = new Uint8Array(STEP);
        for (let i = 0; i < times; i++) large.read(buffer, { at: i * STEP });
        return;
      }
      case "stream write": {
        const data = new Uint8Array(STEP).fill(0x3c);
        for (let i = 0; i < times; i++) large.write(data, { at: i * STEP });
        large.flush();
        return;
      }
      case "files, a sync each":
      case "files, one sync": {
        const directory = await this.directory.getDirectoryHandle(`files-${this.nextDirectory++}`, { create: true });
        const data = new Uint8Array(BLOCK).fill(0x77);
        for (let i = 0; i < times; i++) {
          const file = await directory.getFileHandle(String(i), { create: true });
          const handle = await file.createSyncAccessHandle();
          handle.write(data, { at: 0 });
          handle.flush();
          handle.close();
        }
        return;
      }
      case "stats": {
        for (let i = 0; i < times; i++) {
          const file = await (await this.directory.getFileHandle("small")).getFile();
          if (file.size !== BLOCK) throw new Error("the small file has another size");
        }
        return;
      }
      default:
        throw new Error(`no work is called ${work}`);
    }
  }

  async close() {
    this.large.close();
  }
}

const done = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });

const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

// Blocks of the large file and small files as values of their own; a transaction for each operation, or one for all of them.
export class IdbFloor {
  static async open(bytes, batched) {
    const floor = new IdbFloor();
    floor.batched = batched;
    const opening = indexedDB.open(batched ? "floor, batched" : "floor", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("blocks");
    floor.database = await answer(opening);
    floor.blocks = Math.ceil(bytes / BLOCK);
    floor.nextDirectory = 0;
    for (let first = 0; first < floor.blocks; first += 1024) {
      const [transaction, store] = floor.begin("readwrite");
      for (let block = first; block < Math.min(first + 1024, floor.blocks); block++) {
        store.put(new Uint8Array(BLOCK).fill(0xa5), ["large", block]);
      }
      await done(transaction);
    }
    const [transaction, store] = floor.begin("readwrite");
    store.put(new Uint8Array(BLOCK), ["small", 0]);
    await done(transaction);
    return floor;
  }

  begin(mode) {
    const transaction = this.database.transaction("blocks", mode, { durability: "strict" });
    return [transaction, transaction.objectStore("blocks")];
  }

  async run(work, times, seed) {
    const random = new Random(seed);
    switch (work) {
      case "reads": {
        if (this.batched) {
          const store = this.begin("readonly")[1];
          for (let i = 0; i < times; i++) await answer(store.get(["large", random.block(this.blocks)]));
        } else {
          for (let i = 0; i < times; i++) await answer(this.begin("readonly")[1].get(["large", random.block(this.blocks)]));
        }
        return;
      }
      case "overwrites, one sync":
      case "overwrites, a sync each": {
        const data = new Uint8Array(BLOCK).fill(0x5a);
        await this.puts(times, (store) => store.put(data, ["large", random.block(this.blocks)]));
        return;
      }
      case "stream read": {
        const perStep = STEP / BLOCK;
        for (let i = 0; i < times; i++) {
          const range = IDBKeyRange.bound(["large", i * perStep], ["large", (i + 1) * perStep], false, true);
          const found = await answer(this.begin("readonly")[1].getAll(range));
          if (found.length !== perStep) throw new Error("blocks are missing");
        }
        return;
      }
      case "stream write": {
        const data = new Uint8Array(BLOCK).fill(0x3c);
        const [transaction, store] = this.begin("readwrite");
        for (let block = 0; block < (times * STEP) / BLOCK; block++) store.put(data, ["large", block]);
        await done(transaction);
        return;
      }
      case "files, a sync each":
      case "files, one sync": {
        const directory = `files-${this.nextDirectory++}`;
        const data = new Uint8Array(BLOCK).fill(0x77);
        let name = 0;
        await this.puts(times, (store) => store.put(data, [directory, name++]));
        return;
      }
      case "stats": {
        for (let i = 0; i < times; i++) await answer(this.begin("readonly")[1].getKey(["small", 0]));
        return;
      }
      default:
        throw new Error(`no work is called ${work}`);
    }
  }

  async puts(times, put) {
    if (this.batched) {
      const [transaction, store] = this.begin("readwrite");
      for (let i = 0; i < times; i++) put(store);
      await done(transaction);
    } else {
      for (let i = 0; i < times; i++) {
        const [transaction, store] = this.begin("readwrite");
        put(store);
        await done(transaction);
      }
    }
  }

  async close() {
    this.database.close();
  }
}
