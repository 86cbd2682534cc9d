// The files, and what is in each. `src/files.rs` makes the same.

export const DIRECTORY = 100;
export const SMALL = 1024;

// Bytes that no other number gives.
function fill(bytes, number) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let word = (Math.imul(number + 1, 0x9e3779b1) | 1) >>> 0;
  for (let at = 0; at < words.length; at++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[at] = word;
  }
}

// What every file has to hold, one behind the other, the large one last.
export class Files {
  constructor(small, large, changed) {
    this.small = small;
    this.bytes = new Uint8Array(small * SMALL + large);
    for (let number = 0; number < small; number++) fill(this.of(number), 2 * number);
    fill(this.large, 2 * small);
    this.change(changed);
  }

  of(number) {
    return this.bytes.subarray(number * SMALL, (number + 1) * SMALL);
  }

  get large() {
    return this.bytes.subarray(this.small * SMALL);
  }

  // Other bytes for so many small files, which are returned.
  change(count) {
    const step = Math.floor(this.small / Math.max(count, 1));
    const numbers = Array.from({ length: Math.min(count, this.small) }, (_, nth) => nth * step);
    for (const number of numbers) fill(this.of(number), 2 * number + 1);
    return numbers;
  }

  // FNV-1a of what was read, in pieces, which has to be what was written.
  check(pieces) {
    let at = 0;
    let hash = 0x811c9dc5;
    for (const piece of pieces) {
      for (let index = 0; index < piece.length; index++, at++) {
        if (piece[index] !== this.bytes[at]) throw new Error(`byte ${at} of all that was read is not the one that was written`);
        hash = Math.imul(hash ^ piece[index], 0x01000193);
      }
    }
    if (at !== this.bytes.length) throw new Error(`${at} bytes were read, and ${this.bytes.length} written`);
    return hash >>> 0;
  }
}
