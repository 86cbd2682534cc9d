// The worker that the engine starts where there are no synchronous access handles. The page sends lists of calls, each a list of a name and
// arguments; a list of calls is answered by one of what came out: what each returned, or a list of the name and the message of what it threw.
// Everything is done in the order in which it was sent.
'use strict';

(() => {
  // The page asks for the same number: a copy of this file may be older.
  const VERSION = 1;

  // In bytes, what is handed over by a message instead of copied: below it, handing over takes longer.
  const MUCH = 1 << 16;

  // In bytes, a buffer that small results share: by itself each takes longer to hand over than to read.
  const SHARED = 1 << 18;

  // In bytes, how much of a file is copied at once.
  const COPIED_AT_ONCE = 1 << 20;

  const describe = (error) => [String(error?.name ?? 'Error'), String(error?.message ?? error)];

  // Files that are open, by the number that the page gave them.
  const handles = new Map();

  // Where results of the list that is being answered go, and how many calls of it are left.
  let rest = null;
  let left = 0;

  const room = (len) => {
    if (len >= MUCH) return new Uint8Array(len);
    if (rest === null || rest.byteLength < len) rest = new Uint8Array(Math.min(Math.max(SHARED, len), len * left));
    const taken = rest.subarray(0, len);
    rest = rest.subarray(len);
    return taken;
  };

  // Fills the buffer from a place on, as far as the file goes.
  const fill = (handle, buffer, at) => {
    let filled = 0;
    while (filled < buffer.byteLength) {
      const wanted = buffer.byteLength - filled;
      const read = handle.read(filled ? buffer.subarray(filled) : buffer, { at: at + filled });
      if (!(read >= 0 && read <= wanted)) throw new Error(`the browser gave ${read} as the count of a read of ${wanted} bytes`);
      if (read === 0) break;
      filled += read;
    }
    return filled === buffer.byteLength ? buffer : buffer.subarray(0, filled);
  };

  // The module of the page, once more and with a memory of its own. Of what it imports there are only the calls below: what is used here
  // asks for nothing else. Where the browser throws, they answer NaN, and `thrown` tells what it was.
  let module = null;
  let thrown = '';

  const guarded = (call) => {
    try {
      return call();
    } catch (error) {
      thrown = describe(error).join('\n');
      return NaN;
    }
  };
  const bytes = (place, len) => new Uint8Array(module.memory.buffer, place >>> 0, len >>> 0);
  const offered = {
    anystorageopfssize: () => guarded(() => module.handle.getSize()),
    anystorageopfsread: (at, place, len) => guarded(() => module.handle.read(bytes(place, len), { at })),
    anystorageopfswrite: (at, place, len) => guarded(() => module.handle.write(bytes(place, len), { at })),
    anystorageopfstruncate: (len) => guarded(() => (module.handle.truncate(len), 0)),
    anystorageopfsflush: () => guarded(() => (module.handle.flush(), 0)),
    anystorageopfsthrown: (place, len) => new TextEncoder().encodeInto(thrown, bytes(place, len)).written,
  };

  const plain = (name) => name.toLowerCase().replaceAll('_', '');

  const instantiate = async (compiled, handle) => {
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
    module = { handle, memory: exports.memory, room: exported('anystorageopfsroom'), serve: exported('anystorageopfsserve') };
  };

  // A request in, a reply out. If the module throws, what it holds is in doubt, as after a kill: whoever opens the location next begins with what
  // is stored.
  class Died extends Error {}

  const serve = (request) => {
    try {
      // Whatever the module does may give its memory another buffer.
      const into = module.room(request.byteLength);
      bytes(into, request.byteLength).set(request);
      const len = module.serve();
      const from = module.room(len);
      const reply = room(len);
      reply.set(bytes(from, len));
      return reply;
    } catch (error) {
      throw new Died(`${error?.name}: ${error?.message ?? error}`);
    }
  };

  const end = () => {
    try {
      for (const handle of handles.values()) handle.close();
    } finally {
      handles.clear();
      self.close();
    }
  };

  const calls = {
    // Held until this worker ends, however it ends: so the page learns of it.
    lock: (name) =>
      new Promise((granted, refused) => {
        const held = () => {
          granted();
          return new Promise(() => {});
        };
        navigator.locks.request(name, held).catch(refused);
      }),
    open: async (id, file) => {
      handles.set(id, await file.createSyncAccessHandle());
    },
    close: (id) => {
      handles.get(id)?.close();
      handles.delete(id);
    },
    size: (id) => handles.get(id).getSize(),
    read: (id, at, len) => {
      const handle = handles.get(id);
      return fill(handle, room(Math.max(0, Math.min(len, handle.getSize() - at))), at);
    },
    write: (id, at, data) => handles.get(id).write(data, { at }),
    truncate: (id, len) => handles.get(id).truncate(len),
    flush: (id) => handles.get(id).flush(),
    // As many bytes as were written; fewer than there are if there is no space for more.
    copy: (from, to) => {
      const buffer = new Uint8Array(COPIED_AT_ONCE);
      let at = 0;
      for (;;) {
        const read = fill(handles.get(from), buffer, at);
        if (read.byteLength === 0) return at;
        const written = handles.get(to).write(read, { at });
        if (written !== read.byteLength) return at + Math.min(written, read.byteLength - 1);
        at += written;
      }
    },
    module: (id, compiled) => instantiate(compiled, handles.get(id)),
    serve,
    nothing: () => {},
  };

  const answer = async (list) => {
    const answers = [];
    const handed = new Set();
    rest = null;
    left = list.length;
    for (const [name, ...values] of list) {
      try {
        let done = calls[name](...values);
        if (done instanceof Promise) done = await done;
        if (done instanceof Uint8Array && done.buffer.byteLength >= MUCH) handed.add(done.buffer);
        answers.push(done);
      } catch (error) {
        if (error instanceof Died) throw error;
        answers.push(describe(error));
      }
      left--;
    }
    self.postMessage(answers, [...handed]);
  };

  // Where something goes wrong that is no answer, the page is not left to wait.
  const die = (error) => {
    try {
      self.postMessage({ died: String(error?.message ?? error) });
    } finally {
      end();
    }
  };

  let turn = Promise.resolve();
  self.onmessage = ({ data }) => {
    turn = turn.then(() => (data === 'end' ? end() : answer(data))).catch(die);
  };
  self.onmessageerror = () => die(new Error('what the page said cannot be read'));
  self.postMessage({ version: VERSION });
})();
