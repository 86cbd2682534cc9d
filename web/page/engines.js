// What can be chosen, and what is remembered of it: the page's own URL.

const OPFS_PACKED = "opfs://anystorage-demo?layout=packed";
const IDB = "idb://anystorage-demo";

export const ENGINES = [
  {
    id: "auto",
    title: "Automatic",
    about: "The first that works here: the private file system, then IndexedDB.",
    urls: [OPFS_PACKED, IDB],
  },
  { id: "opfs", title: "Private file system", about: "All files in one database file there.", urls: [OPFS_PACKED] },
  {
    id: "opfs-stream",
    title: "Private file system, by streams",
    about: "Each file by itself, under its own name.",
    // A location keeps its layout, so this is another one.
    urls: ["opfs://anystorage-demo-files?io=stream"],
  },
  { id: "idb", title: "IndexedDB", about: "The database that every browser has.", urls: [IDB] },
  { id: "memory", title: "Memory", about: "Gone when the page is reloaded or closed.", urls: ["memory:"] },
];

const PARAMETER = "engine";

export const chosen = () => {
  const asked = new URLSearchParams(location.search).get(PARAMETER);
  return ENGINES.find(({ id }) => id === asked) ?? ENGINES[0];
};

export function choose(engine) {
  const url = new URL(location.href);
  if (engine === ENGINES[0]) {
    url.searchParams.delete(PARAMETER);
  } else {
    url.searchParams.set(PARAMETER, engine.id);
  }
  history.replaceState(null, "", url);
}

// The name of what is open, in words: its URL says more than its scheme.
export function nameOf(url) {
  const engine = ENGINES.slice(1).find(({ urls }) => urls[0] === url);
  return engine?.title ?? url;
}
