// The worker that the engine starts where there are no synchronous access handles. It does what it is told, in the order in which it is told:
// the page waits for the answer to a call before it makes the next one, and sends requests to the module meanwhile.
'use strict';

(() => {
  // The page asks for the same number: a copy of this file may be older.
  const VERSION = 1;

  let handle = null;
  let module = null;
  let thrown = '';

  const describe = (error) => ({ name: String(error?.name ?? 'Error'), message: String(error?.message ?? error) });

  // What the module calls. Where the browser throws, it gets NaN and asks for what was thrown.
  const guarded = (call) => {
    try {
      return call();
    } catch (error) {
      const { name, message } = describe(error);
      thrown = `${name}\n${message}`;
      return NaN;
    }
  };
  const bytes = (place, len) => new Uint8Array(module.memory.buffer, place >>> 0, len >>> 0);
  const offered = {
    anystorageopfssize: () => guarded(() => handle.getSize()),
    anystorageopfsread: (at, place, len) => guarded(() => handle.read(bytes(place, len), { at })),
    anystorageopfswrite: (at, place, len) => guarded(() => handle.write(bytes(place, len), { at })),
    anystorageopfstruncate: (len) => guarded(() => (handle.truncate(len), 0)),
    anystorageopfsflush: () => guarded(() => (handle.flush(), 0)),
    anystorageopfsthrown: (place, len) => new TextEncoder().encodeInto(thrown, bytes(place, len)).written,
  };

  const plain = (name) => name.toLowerCase().replaceAll('_', '');

  // The module of the page, once more and with a memory of its own. Of what it imports there are only the calls above: what is used here
  // asks for nothing else.
  const instantiate = async (compiled) => {
    const imports = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(compiled)) {
      if (kind !== 'function' && kind !== 'tag') {
        throw new Error(`the module imports its ${kind}: one that shares memory between threads cannot be used here`);
      }
      const call = Object.keys(offered).find((call) => plain(name).includes(call));
      const absent = () => {
        throw new Error(`${name} is not there in the engine's worker`);
      };
      imports[from] ??= {};
      imports[from][name] = kind === 'tag' ? WebAssembly.JSTag : call ? offered[call] : absent;
    }
    const { exports } = await WebAssembly.instantiate(compiled, imports);
    const exported = (wanted) => {
      const name = Object.keys(exports).find((name) => plain(name) === wanted);
      if (!name) throw new Error(`the module has no ${wanted}`);
      return exports[name];
    };
    module = { memory: exports.memory, room: exported('anystorageopfsroom'), serve: exported('anystorageopfsserve') };
  };

  // Requests in, replies out.
  const serve = (requests) => {
    // Whatever the module does may give its memory another buffer.
    const into = module.room(requests.byteLength);
    bytes(into, requests.byteLength).set(new Uint8Array(requests));
    const len = module.serve();
    const from = module.room(len);
    const replies = bytes(from, len).slice().buffer;
    self.postMessage(replies, [replies]);
  };

  const calls = {
    // Held until this worker ends, however it ends: so the page learns of it.
    lock: ({ name }) =>
      new Promise((granted, refused) => {
        const held = () => {
          granted();
          return new Promise(() => {});
        };
        navigator.locks.request(name, held).catch(refused);
      }),
    open: async ({ file }) => {
      handle = await file.createSyncAccessHandle();
    },
    module: ({ compiled }) => instantiate(compiled),
    end: () => {
      handle?.close();
      self.close();
    },
  };

  self.onmessage = async ({ data }) => {
    if (!(data instanceof ArrayBuffer)) {
      try {
        await calls[data.call](data);
        self.postMessage({ done: true });
      } catch (error) {
        self.postMessage({ threw: describe(error) });
      }
      return;
    }
    try {
      serve(data);
    } catch (error) {
      // What the module holds is in doubt, as after a kill: whoever opens the location next begins with what is stored.
      self.postMessage({ died: describe(error) });
      handle?.close();
      self.close();
    }
  };

  self.postMessage({ version: VERSION });
})();
