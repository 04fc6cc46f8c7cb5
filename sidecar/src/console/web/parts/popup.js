// @ts-check
// A small box that opens below a button.

import { html, useNewId, useRef } from '../base.js';
import { IconButton } from './button.js';

/** Puts a box that opens below what opens it, within the window. */
export function placeBelow(box, opener) {
  const { left, top, bottom } = opener.getBoundingClientRect();
  const { clientWidth: width, clientHeight: height } = document.documentElement;
  const isLow = bottom > height - 240 && top > height / 2;
  box.style.left = `${Math.max(8, Math.min(left, width - WIDTH_MAX - 8))}px`;
  box.style.top = isLow ? 'auto' : `${bottom + 4}px`;
  box.style.bottom = isLow ? `${height - top + 4}px` : 'auto';
}

/** How wide a box may be, in pixels. */
const WIDTH_MAX = 304;

export function Popup({ label, picture, children }) {
  const [id, box] = [useNewId(), useRef(/** @type {HTMLElement | null} */ (null))];
  const onOpen = (event) => {
    if (event.newState === 'open') placeBelow(box.current, box.current?.previousElementSibling);
  };
  return html`
    <span class="menu-holder">
      <${IconButton} label=${label} picture=${picture} popovertarget=${id} aria-haspopup="dialog" />
      <div id=${id} popover="auto" class="menu choices-menu" role="dialog" aria-label=${label} ref=${box}
        onbeforetoggle=${onOpen}>${children}</div>
    </span>
  `;
}
