// The two workers that the bridge starts. One has the engine: it runs the module of whoever starts it once more, with a memory of its own.
// The other one only waits for the end of the first, and tells it to who may be blocked just then and cannot hear of it otherwise.
'use strict';

(() => {
  // Whoever starts it asks for the same number: a copy of this file may be older.
  const VERSION = 2;

  // The word of the buffer that says whose turn it is, and what it says when there is nobody any more. As in `buffer.rs`.
  const TURN = 0;
  const GONE = 5;

  const describe = (error) => [String(error?.name ?? 'Error'), String(error?.message ?? error)];

  let words = null;
  const gone = () => {
    if (!words) return;
    Atomics.store(words, TURN, GONE);
    Atomics.notify(words, TURN);
  };

  // What is thrown where nobody catches it leaves the engine in doubt, as a kill does.
  const die = (error) => {
    gone();
    try {
      self.postMessage({ died: describe(error) });
    } finally {
      self.close();
    }
  };
  self.addEventListener('error', (event) => die(event.error ?? event));
  self.addEventListener('unhandledrejection', (event) => die(event.reason));

  // Held until this worker ends, however it ends.
  const hold = (name) =>
    new Promise((granted, refused) => {
      const held = () => {
        granted();
        return new Promise(() => {});
      };
      navigator.locks.request(name, held).catch(refused);
    });

  // The scripts that wasm-bindgen makes: a module, or a script that leaves `wasm_bindgen` behind.
  const load = async (url) => {
    const found = await import(url);
    if (typeof found.default === 'function') return found;
    importScripts(url);
    return Object.assign({ default: wasm_bindgen }, wasm_bindgen);
  };

  const serve = async ({ glue, module, opener, argument, buffer, lock }) => {
    words = new Int32Array(buffer, 0, 16);
    await hold(lock);
    // From here on its end is noticed, whatever it is about.
    self.postMessage({ held: true });
    const exported = await load(glue);
    await exported.default({ module_or_path: module });
    if (typeof exported.anystorageremoteserve !== 'function') {
      throw new Error(`${glue} does not export anystorageremoteserve`);
    }
    return exported.anystorageremoteserve(opener, argument, buffer);
  };

  const watch = ({ lock, buffer }) => {
    words = new Int32Array(buffer, 0, 16);
    const ended = () => {
      gone();
      // For who is not blocked yet.
      self.postMessage({ ended: true });
    };
    navigator.locks.request(lock, ended).catch(ended);
  };

  // Whoever wants to know whether a module runs in such a worker, so as not to begin what it does elsewhere, looks for this.
  self.anystorageRemoteWorker = true;

  self.onmessage = async ({ data }) => {
    try {
      if (data.role === 'watch') {
        watch(data);
        self.postMessage({ watching: true });
      } else {
        self.onmessage = null;
        const opened = await serve(data);
        self.postMessage({ opened });
      }
    } catch (error) {
      gone();
      self.postMessage({ failed: describe(error) });
      self.close();
    }
  };
  self.postMessage({ version: VERSION });
})();
