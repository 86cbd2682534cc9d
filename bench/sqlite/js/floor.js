// The floor: 4 KiB are written and flushed, each behind the last, by a handle and nothing else.

const BYTES = 4096;

export async function open() {
  const file = await (await navigator.storage.getDirectory()).getFileHandle("floor", { create: true });
  return await file.createSyncAccessHandle();
}

export function run(handle, times) {
  const page = new Uint8Array(BYTES).fill(0x5a);
  for (let nth = 0; nth < times; nth++) {
    if (handle.write(page, { at: nth * BYTES }) !== BYTES) throw new Error("a short write");
    handle.flush();
  }
}
