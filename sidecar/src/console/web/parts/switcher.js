// @ts-check
// A choice of one among many: a button that opens a list which is searched.

import { html, useLayoutEffect, useNewId, useRef, useState } from '../base.js';
import { Icon } from './icon.js';
import { step } from './menu.js';
import { placeBelow } from './popup.js';
import { t } from './text.js';

/** Entries that are drawn; a search finds the others. */
const SHOWN_MAX = 50;

/** A switcher; `options` are pairs of a value and what else it is known by. */
export function Switcher({ id, label, value, options, choose }) {
  const [labelId, listId] = [useNewId(), useNewId()];
  const popup = useRef(/** @type {HTMLElement | null} */ (null));
  const opener = useRef(/** @type {HTMLElement | null} */ (null));
  const [isOpen, setOpen] = useState(false);
  const pick = (chosen) => {
    popup.current?.hidePopover();
    opener.current?.focus();
    choose(chosen);
  };
  const onOpen = (event) => event.newState === 'open' && placeBelow(popup.current, opener.current);
  // Not before it can be seen: what is hidden takes no focus.
  const onToggle = (event) => setOpen(event.newState === 'open');
  return html`
    <span class="place">
      <span id=${labelId}>${label}</span>
      <button type="button" id=${id} class="button switcher" popovertarget=${listId} ref=${opener}
        aria-haspopup="dialog" aria-labelledby="${labelId} ${id}">
        <bdi>${value}</bdi><${Icon} name="down" />
      </button>
      <div id=${listId} popover="auto" class="menu choices-menu" role="dialog" aria-label=${label} ref=${popup}
        onbeforetoggle=${onOpen} ontoggle=${onToggle}>
        ${isOpen && html`<${Choices} label=${label} value=${value} options=${options} pick=${pick} />`}
      </div>
    </span>
  `;
}

function Choices({ label, value, options, pick }) {
  const [wanted, setWanted] = useState('');
  const [at, setAt] = useState(0);
  const [listId, node] = [useNewId(), useRef(/** @type {HTMLInputElement | null} */ (null))];
  useLayoutEffect(() => node.current?.focus(), []);
  const holds = (text) => text.toLowerCase().includes(wanted.trim().toLowerCase());
  const found = options.filter((texts) => texts.some(holds));
  const drawn = found.slice(0, SHOWN_MAX);
  const active = Math.max(0, Math.min(at, drawn.length - 1));
  const onKey = (event) => {
    const to = ['Home', 'End'].includes(event.key) ? undefined : step(event, active, drawn.length);
    if (to !== undefined) setAt(Math.max(0, Math.min(to, drawn.length - 1)));
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (drawn.length) pick(drawn[active][0]);
  };
  const option = ([id, name], index) => html`
    <li key=${id} id="${listId}-${index}" role="option" aria-selected=${String(id === value)}
      class=${index === active ? 'option active' : 'option'} onClick=${() => pick(id)}>
      <bdi>${id}</bdi>${name && name !== id && html`<bdi class="about">${name}</bdi>`}
    </li>
  `;
  return html`
    <input type="search" ref=${node} role="combobox" aria-expanded="true" aria-autocomplete="list"
      aria-controls=${listId} aria-activedescendant=${drawn.length ? `${listId}-${active}` : null}
      aria-label=${t('switcher.search', { what: label })} placeholder=${t('switcher.search', { what: label })}
      autocomplete="off" spellcheck=${false} value=${wanted} onKeyDown=${onKey}
      onInput=${(event) => { setWanted(event.target.value); setAt(0); }} />
    <ul role="listbox" id=${listId} class="options" aria-label=${label}>${drawn.map(option)}</ul>
    <p class="hint" role="status">${countWords(found.length, drawn.length)}</p>
  `;
}

function countWords(found, drawn) {
  if (!found) return t('keys.no_match');
  return found > drawn ? t('scope.more', { n: found - drawn }) : '';
}
