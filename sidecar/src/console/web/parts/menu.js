// @ts-check
// A list of things to do that opens below a button.

import { html, useNewId, useRef } from '../base.js';
import { IconButton, useBusy } from './button.js';
import { placeBelow } from './popup.js';

/** A menu; `items` are `[text, act, kind]`, or nothing. */
export function Menu({ label, items }) {
  const [id, place] = [useNewId(), useRef(/** @type {HTMLElement | null} */ (null))];
  const list = () => /** @type {HTMLElement} */ (place.current?.lastElementChild);
  const opener = () => /** @type {HTMLElement} */ (place.current?.firstElementChild);
  const chosen = useBusy(([, act]) => act());
  const choose = (item) => {
    list().hidePopover();
    opener().focus();
    chosen.run(item);
  };
  const onKey = (event) => {
    const nodes = [...list().children];
    const to = step(event, nodes.indexOf(/** @type {Element} */ (document.activeElement)), nodes.length);
    if (to !== undefined) /** @type {HTMLElement} */ (nodes.at(to % nodes.length)).focus();
  };
  const onOpen = (event) => event.newState === 'open' && placeBelow(list(), opener());
  const onOpened = (event) => event.newState === 'open' && list().querySelector('button')?.focus();
  return html`
    <span class="menu-holder" ref=${place}>
      <${IconButton} label=${label} picture="more" popovertarget=${id} aria-haspopup="menu" isBusy=${chosen.isBusy} />
      <div id=${id} popover="auto" role="menu" class="menu" aria-label=${label} onKeyDown=${onKey}
        onbeforetoggle=${onOpen} ontoggle=${onOpened}>
        ${items.filter(Boolean).map((item) => html`
          <button type="button" role="menuitem" class="menu-item ${item[2] ?? ''}" tabindex="-1"
            onClick=${() => choose(item)}>${item[0]}</button>
        `)}
      </div>
    </span>
  `;
}

/** Where a key moves in a list; undefined: it is no key that moves. */
export function step(event, at, length) {
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: length - 1 }[event.key];
  if (to !== undefined) event.preventDefault();
  return to;
}
