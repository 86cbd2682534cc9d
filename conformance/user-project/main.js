import init, { visit } from './pkg/user_project.js';

const asked = new URLSearchParams(location.search).getAll('url');
const [url, ...fallback] = asked.length > 0 ? asked : ['opfs://visits?layout=packed', 'idb://visits'];
init().then(() => visit(url, fallback)).then((text) => (document.body.textContent = text));
