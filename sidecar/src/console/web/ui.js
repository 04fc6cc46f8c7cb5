// The small parts that views are made of.

import { h, icon, newId, words } from './h.js';
import { ago, date, dateTime, exactTime, millis, t, tOr } from './text.js';

/** A button; `kind`: primary, danger, plain or quiet. It is busy while its `act` runs. */
export function button(label, act, { kind = 'plain', picture, ...props } = {}) {
  const node = h('button', { type: 'button', class: `button ${kind}`, ...props }, picture && icon(picture), label);
  if (act) node.addEventListener('click', () => busy(node, act));
  return node;
}

/** A button that shows a picture only; `label` is its name. */
export const iconButton = (label, picture, act, props) => button('', act, { kind: 'quiet square', picture, 'aria-label': label, title: label, ...props });

/** Runs `act` with the button switched off; a failure is told. */
export async function busy(node, act) {
  if (node.getAttribute('aria-busy') === 'true') return;
  node.setAttribute('aria-busy', 'true');
  try {
    await act(node);
  } catch (problem) {
    toast(explain(problem), { kind: 'bad' });
  } finally {
    node.removeAttribute('aria-busy');
  }
}

/** A problem in the reader's words; `errors` are those that stand beside no field. */
export function explain(problem, errors = problem.errors) {
  if (problem.kind === undefined) throw problem;
  const more = problem.status >= 500 && problem.requestId ? ` (${problem.requestId})` : '';
  return [tOr(`problem.${problem.kind}`, problem.message), ...errors.map(({ field, detail }) => `${field}: ${detail}`)].join('\n') + more;
}

let shelf;

/** Tells something at the edge of the page, for a while; `undo` can take it back. */
export function toast(text, { kind = 'good', undo, seconds = kind === 'bad' ? 15 : undo ? 10 : 6, label = t('undo') } = {}) {
  shelf ??= document.body.appendChild(h('div', { class: 'toasts', role: 'status', popover: 'manual' }));
  const leave = () => {
    clearTimeout(timer);
    node.remove();
    if (!shelf.children.length && shelf.matches(':popover-open')) shelf.hidePopover();
  };
  const undone = undo && button(label, async () => { leave(); await undo(); }, { kind: 'quiet' });
  const node = h('div', { class: `toast ${kind}` }, icon(kind === 'good' ? 'check' : 'warn'), h('p', null, text), undone, iconButton(t('close'), 'cross', leave));
  const timer = setTimeout(leave, seconds * 1000);
  // Opened anew, it stands above a dialog that was opened meanwhile.
  if (shelf.matches(':popover-open')) shelf.hidePopover();
  shelf.append(node);
  shelf.showPopover();
}

/** A time; all about it on demand. */
export const time = (at, manner = date) => at && h('time', { datetime: at, title: exactTime(at) }, manner(at));
export const relative = (at) => time(at, ago) ?? h('span', { class: 'muted' }, t('keys.never'));
export const moment = (at) => time(at, dateTime);

export const badge = (text, kind = '') => h('span', { class: `badge ${kind}` }, text);

/** A value, masked or whole, or an id. */
export const code = (text, props) => h('code', { translate: 'no', ...props }, text);

export const chips = (names, kind = '') => h('ul', { class: `chips ${kind}` }, names.map((name) => h('li', null, words(name))));

/** Says what is not there and what to do. */
export function empty(picture, title, text, ...actions) {
  return h('div', { class: 'empty' }, h('div', { class: 'empty-icon' }, icon(picture)), h('h2', null, title), h('p', null, text), actions);
}

/** Fills `place`: grey lines, then what `load` gives, or what went wrong. */
export async function fill(place, load, rows = 5) {
  const turn = (place.turn = {});
  if (place.children.length) place.setAttribute('aria-busy', 'true');
  else place.replaceChildren(h('div', { class: 'skeleton', role: 'status', 'aria-label': t('loading') }, Array.from({ length: rows }, () => h('div'))));
  let content;
  try {
    content = await load();
  } catch (problem) {
    const again = button(t('retry'), () => { place.replaceChildren(); return fill(place, load, rows); });
    content = empty('warn', t('failed'), explain(problem), again);
    content.setAttribute('role', 'alert');
  }
  if (place.turn !== turn) return;
  place.removeAttribute('aria-busy');
  place.replaceChildren(...[content].flat().filter(Boolean));
}

/** A view: its heading, what it is about, what one can do, and its body. */
export function page(title, { lead, actions, back } = {}, ...body) {
  const heading = [back, h('h1', { tabindex: '-1' }, title), lead && h('p', { class: 'lead' }, lead)];
  return h('section', { class: 'page' }, h('header', { class: 'page-head' }, h('div', null, heading), actions && h('div', { class: 'actions' }, actions)), body);
}

/** A view that is one list: `load` gives its content. */
export function listPage(title, { filters, rows, ...options }, load) {
  const list = h('div', { class: 'list' });
  const reload = () => fill(list, () => load(reload), rows);
  reload();
  return Object.assign(page(title, options, filters && h('div', { class: 'filters', role: 'search' }, filters), list), { reload });
}

/** A table; `columns` are texts or {name, class, head}; rows are lists of cells. Roles are said, since at
 * phone width rows are laid out as cards. */
export function table(label, columns, rows) {
  const named = columns.map((column) => (typeof column === 'string' ? { name: column } : column));
  const row = (cells) => h('tr', { role: 'row' }, cells);
  const head = named.map(({ name, head: content, ...props }) => h('th', { role: 'columnheader', scope: 'col', ...props }, content ?? name));
  const cells = (all) => all.map((cell, at) => h('td', { role: 'cell', class: named[at].class, 'data-label': named[at].name }, cell || '–'));
  const parts = [h('thead', { role: 'rowgroup' }, row(head)), h('tbody', { role: 'rowgroup' }, rows.map((all) => row(cells(all))))];
  return h('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': label }, h('table', { role: 'table', 'aria-label': label }, parts));
}

/** The last column, for what one can do with a row. */
export const actionColumn = () => ({ name: t('keys.actions'), class: 'fit end', head: h('span', { class: 'sr-only' }, t('keys.actions')) });

/** Names and values, one below the other. */
export const facts = (pairs) => h('dl', { class: 'facts' }, pairs.filter(Boolean).map(([name, value]) => h('div', null, h('dt', null, name), h('dd', null, value ?? '–'))));

export const card = (title, ...content) => h('section', { class: 'card' }, h('h2', null, title), content);

/** A list of things to do that opens below a button. */
export function menu(label, items) {
  const id = newId();
  const opener = iconButton(label, 'more', null, { popovertarget: id, 'aria-haspopup': 'menu' });
  const entry = ([text, act, kind = '']) => {
    const choose = () => { list.hidePopover(); opener.focus(); busy(opener, act); };
    return h('button', { type: 'button', role: 'menuitem', class: `menu-item ${kind}`, tabindex: '-1', onclick: choose }, text);
  };
  const list = h('div', { id, popover: 'auto', role: 'menu', class: 'menu', 'aria-label': label }, items.filter(Boolean).map(entry));
  list.addEventListener('toggle', (event) => event.newState === 'open' && list.firstElementChild.focus());
  list.addEventListener('beforetoggle', (event) => event.newState === 'open' && placeBelow(list, opener.getBoundingClientRect()));
  list.addEventListener('keydown', (event) => {
    const nodes = [...list.children];
    const to = step(event, nodes.indexOf(document.activeElement), nodes.length);
    if (to !== undefined) nodes.at(to % nodes.length).focus();
  });
  return h('span', { class: 'menu-holder' }, opener, list);
}

/** Where a key moves in a list; undefined: it is no key that moves. */
export function step(event, at, length) {
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: length - 1 }[event.key];
  if (to !== undefined) event.preventDefault();
  return to;
}

function placeBelow(node, { right, bottom, top }) {
  const isLow = bottom > innerHeight - 220;
  node.style.right = `${document.documentElement.clientWidth - right}px`;
  node.style.top = isLow ? 'auto' : `${bottom + 4}px`;
  node.style.bottom = isLow ? `${innerHeight - top + 4}px` : 'auto';
}

/** Who has a change in force: a sentence, and what to know about each that has not. */
export function propagated({ data, ms }, what) {
  const { envoys, applied, pending } = data.propagation;
  if (envoys === 0) return { sentence: t('propagation.none'), kind: 'bad', laggards: [] };
  const laggards = pending.map(({ envoy, last_seen: seen }) => `${envoy} ${t('propagation.late', { seen: ago(seen) })}`);
  return { sentence: t(`propagation.${what}`, { applied, envoys, ms: millis(ms) }), kind: pending.length ? 'bad' : 'good', laggards };
}

/** Tells what was done and how far it has come. */
export function tell(lead, answer, what, undo) {
  const { sentence, kind, laggards } = propagated(answer, what);
  toast([`${lead} ${sentence}`, ...laggards].join('\n'), { kind, undo });
}
