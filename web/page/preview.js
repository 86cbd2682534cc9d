// What a file looks like: a picture, sound, text, or its first bytes.

import { bytes } from "./words.js";

const TYPES = {
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", avif: "image/avif", svg: "image/svg+xml",
  mp3: "audio/mpeg", ogg: "audio/ogg", wav: "audio/wav", flac: "audio/flac", mp4: "video/mp4", webm: "video/webm",
};
const MOST_TEXT = 64 * 1024;
const MOST_BYTES = 512;

const part = (id) => document.getElementById(id);

export const typeOf = (name) => TYPES[name.split(".").pop().toLowerCase()] ?? "application/octet-stream";

export function show(name, data) {
  const dialog = part("preview");
  const type = typeOf(name);
  const [family] = type.split("/");
  let url;
  let about = bytes(data.length);
  let body;
  if (["image", "audio", "video"].includes(family)) {
    url = URL.createObjectURL(new Blob([data], { type }));
    body = document.createElement(family === "image" ? "img" : family);
    body.src = url;
    if (family === "image") {
      body.alt = name;
    } else {
      body.controls = true;
    }
  } else {
    body = document.createElement("pre");
    const text = asText(data.subarray(0, MOST_TEXT));
    if (text === undefined) {
      body.textContent = asBytes(data.subarray(0, MOST_BYTES));
      about += data.length > MOST_BYTES ? `, of which these are the first ${MOST_BYTES}` : ", which are no text";
    } else {
      body.textContent = text;
      about += data.length > MOST_TEXT ? `, of which this is the first ${bytes(MOST_TEXT)}` : "";
    }
  }
  part("preview-title").textContent = name;
  part("preview-about").textContent = about;
  part("preview-body").replaceChildren(body);
  part("preview-close").onclick = () => dialog.close();
  dialog.onclose = () => {
    part("preview-body").replaceChildren();
    if (url) {
      URL.revokeObjectURL(url);
    }
  };
  dialog.showModal();
  part("preview-close").focus();
}

function asText(data) {
  try {
    // The last character may be cut.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data, { stream: true });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

function asBytes(data) {
  const lines = [];
  for (let at = 0; at < data.length; at += 16) {
    const row = [...data.subarray(at, at + 16)].map((byte) => byte.toString(16).padStart(2, "0"));
    lines.push(`${at.toString(16).padStart(6, "0")}  ${row.join(" ")}`);
  }
  return lines.join("\n");
}
