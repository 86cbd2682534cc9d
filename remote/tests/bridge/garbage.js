// Writes into the memory that a bridge shares what does not belong there.
({
  // From here on the memory that is allocated can be found.
  prepare: () => {
    const Shared = SharedArrayBuffer;
    globalThis.SharedArrayBuffer = class extends Shared {
      constructor(length) {
        super(length);
        if (length > 64) globalThis.lastShared = this;
      }
    };
  },
  // One word.
  set: (word, value) => Atomics.store(new Int32Array(lastShared, 0, 16), word, value),
  // Many of them, from another worker while this one is blocked: for so many milliseconds.
  scribble: async (seed, milliseconds, steals) => {
    const script = `self.onmessage = ({ data: { buffer, seed, milliseconds, steals } }) => {
      const words = new Int32Array(buffer, 0, 16);
      const clock = new Int32Array(new SharedArrayBuffer(4));
      const random = () => ((seed ^= seed << 13), (seed ^= seed >>> 17), (seed ^= seed << 5), seed >>> 0);
      const values = [0, 1, 2, 3, 4, -1, 6, 7, 63, 1024, 1025, 65536, 0x7fffffff, -0x80000000];
      self.postMessage('begins');
      for (const end = performance.now() + milliseconds; performance.now() < end; ) {
        if (steals) {
          // The turn of an answer, before who waits for it has looked: as if nothing were answered.
          Atomics.compareExchange(words, 0, 3, 1);
          continue;
        }
        // Words 0 to 3 are in use.
        Atomics.store(words, random() % 4, values[random() % values.length]);
        Atomics.wait(clock, 0, 0, random() % 3);
      }
      self.close();
    };`;
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
    const begins = new Promise((done) => (worker.onmessage = done));
    worker.postMessage({ buffer: lastShared, seed, milliseconds, steals });
    await begins;
  },
})
