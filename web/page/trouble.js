// Shows what nobody caught. Loaded before everything else, so that it sees it.

addEventListener("error", (event) => showTrouble(event.message || `${event.target?.src ?? "a part of the page"} could not be loaded`), true);
addEventListener("unhandledrejection", (event) => showTrouble(`${event.reason}`));
addEventListener("securitypolicyviolation", (event) => showTrouble(`${event.blockedURI} is against the policy of this page`));

function showTrouble(text) {
  document.documentElement.dataset.trouble = `${document.documentElement.dataset.trouble ?? ""}${text}\n`;
  const show = () => {
    document.getElementById("trouble-text").textContent = `${text}. Reload the page; what was saved is kept.`;
    document.getElementById("trouble").hidden = false;
  };
  if (document.readyState === "loading") {
    addEventListener("DOMContentLoaded", show, { once: true });
  } else {
    show();
  }
}
