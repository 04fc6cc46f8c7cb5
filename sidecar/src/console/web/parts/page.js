// @ts-check
// A view: its heading, what one can do, and its body, which is loaded.

import { html, useLayoutEffect, useRef, useState } from '../base.js';
import { state } from './api.js';
import { Button } from './button.js';
import { Empty } from './small.js';
import { t } from './text.js';
import { explain } from './toast.js';

/** The frame of a view; the reader begins at its heading. */
export function Page({ title, lead = null, back = null, actions = null, children }) {
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return html`
    <section class="page">
      <header class="page-head">
        <div>${back}<h1 tabindex="-1" ref=${heading}>${title}</h1>${lead && html`<p class="lead">${lead}</p>`}</div>
        ${actions && html`<div class="actions">${actions}</div>`}
      </header>
      ${children}
    </section>
  `;
}

/** Loads what a view shows, again when `deps` change: `{data, problem, isBusy, reload}`. What is there stays
 * until something newer has come. */
export function useLoad(load, deps) {
  const [loaded, setLoaded] = useState(/** @type {any} */ ({ isBusy: true }));
  const [turn, latest] = [useRef(0), useRef(load)];
  latest.current = load;
  const reload = async () => {
    const mine = (turn.current += 1);
    setLoaded((before) => ({ ...before, isBusy: true }));
    const next = await latest.current().then(
      (data) => ({ data, isBusy: false }),
      (problem) => (before) => ({ data: before.data, problem, isBusy: false }),
    );
    if (mine === turn.current) setLoaded(next);
  };
  useLayoutEffect(() => void reload(), deps);
  useLayoutEffect(() => {
    if (!state.isAway && loaded.problem?.kind === 'offline') reload();
  }, [state.isAway]);
  return { ...loaded, reload };
}

/** Shows what was loaded: grey lines before it is there, and what went wrong. `children` makes it from the data. */
export function Loaded({ of: { data, problem, isBusy, reload }, rows = 5, kind = 'list', children }) {
  if (data === undefined && !problem) return html`<${Skeleton} rows=${rows} />`;
  return html`
    <div class=${kind} aria-busy=${isBusy ? 'true' : null}>
      ${problem && html`<${Failed} problem=${problem} reload=${reload} />`}
      ${data !== undefined && children(data)}
    </div>
  `;
}

const Skeleton = ({ rows }) => html`
  <div class="skeleton" role="status" aria-label=${t('loading')}>
    ${Array.from({ length: rows }, (_, at) => html`<div key=${at}></div>`)}
  </div>
`;

const Failed = ({ problem, reload }) => html`
  <${Empty} picture="warn" title=${t('failed')} role="alert">
    <p>${explain(problem)}</p><${Button} act=${reload}>${t('retry')}<//>
  <//>
`;
