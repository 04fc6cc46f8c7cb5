// @ts-check
// Where the focus goes when what had it is gone: never to the body, from which a reader would begin anew.

/** The focused element and what it stands in, from the inside out. */
let path = /** @type {Element[]} */ ([]);

/** Watches as long as the page is there. */
export function keepFocus() {
  addEventListener('focusin', ({ target }) => { path = ancestors(/** @type {Element} */ (target)); });
  new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
}

function ancestors(node) {
  const all = [];
  for (let at = node; at && at !== document.body; at = at.parentElement) all.push(at);
  return all;
}

/** Runs after each change of the page: what is still there of the place that had the focus gets it. */
function mend() {
  if (document.activeElement !== document.body || !path.length || path[0].isConnected) return;
  const place = path.find((node) => node.isConnected);
  path = [];
  const dialog = [...document.querySelectorAll('dialog[open]')].at(-1);
  const near = place?.closest('.table-frame, .card, .list');
  const next = dialog?.querySelector('h2') ?? reachable(near) ?? document.querySelector('#main h1');
  /** @type {HTMLElement | null} */ (next)?.focus({ preventScroll: true });
}

const reachable = (node) => node?.querySelector('a, button, input, select, [tabindex]');
