// @ts-check
// What everything here is made with. A text in a template is always a text node and a handler always a
// function, so no name of a key, however it is spelled, can become markup.

import htm from './vendor/htm.mjs';
import { h } from './vendor/preact.mjs';

export { createContext, render } from './vendor/preact.mjs';
export { useContext, useLayoutEffect, useRef, useState } from './vendor/hooks.mjs';

import { useLayoutEffect, useState } from './vendor/hooks.mjs';

/** An element, or several, from a template: html`<p class="hint">${text}</p>`. */
export const html = htm.bind(h);

let last = 0;

/** An id that no other element has. */
export const newId = () => `x${(last += 1)}`;

/** The same id as long as a component lives. */
export const useNewId = () => useState(newId)[0];

/** Listens to what happens to `target` as long as a component lives. */
export function useEvent(target, name, act) {
  useLayoutEffect(() => {
    target.addEventListener(name, act);
    return () => target.removeEventListener(name, act);
  });
}
