// What the platform costs by itself: a get of 4 KiB from IndexedDB, a transaction each, and a round trip of 4 KiB through shared memory to a
// worker that is woken by a message. Times in milliseconds.
({
  prepare: async (name, records) => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('s');
    const database = await new Promise((done, failed) => {
      opening.onsuccess = () => done(opening.result);
      opening.onerror = () => failed(opening.error);
    });
    const filling = database.transaction('s', 'readwrite');
    for (let at = 0; at < records; at++) filling.objectStore('s').put(new Uint8Array(4096).fill(at), at);
    await new Promise((done, failed) => {
      filling.oncomplete = done;
      filling.onerror = () => failed(filling.error);
    });
    const script = `self.onmessage = ({ data }) => {
      if (data) {
        self.words = new Int32Array(data, 0, 16);
        self.room = new Uint8Array(data, 64);
        self.postMessage('there');
        return;
      }
      self.room.set(self.room.slice(0, 4096));
      Atomics.store(self.words, 0, 0);
      Atomics.notify(self.words, 0);
    };`;
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    const worker = new Worker(url);
    const buffer = new SharedArrayBuffer(64 + 65536);
    const there = new Promise((done) => (worker.onmessage = done));
    worker.postMessage(buffer);
    await there;
    Object.assign(globalThis, { bridgeFloor: { database, worker, words: new Int32Array(buffer, 0, 16), room: new Uint8Array(buffer, 64) } });
  },
  get: async (at) => {
    const begin = performance.now();
    const asked = bridgeFloor.database.transaction('s').objectStore('s').get(at);
    const found = await new Promise((done, failed) => {
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
    if (found.length !== 4096 || found[7] !== at % 256) throw new Error('not what was put');
    return performance.now() - begin;
  },
  echo: () => {
    const { words, room, worker } = bridgeFloor;
    const bytes = new Uint8Array(4096);
    const begin = performance.now();
    Atomics.store(words, 0, 1);
    worker.postMessage(null);
    Atomics.wait(words, 0, 1);
    bytes.set(room.subarray(0, 4096));
    return performance.now() - begin;
  },
  end: () => {
    bridgeFloor.worker.terminate();
    bridgeFloor.database.close();
    indexedDB.deleteDatabase(bridgeFloor.database.name);
  },
})
