// The scope: everything, or what is chosen from the catalog: two lists side by side.

import { getAll } from './api.js';
import { group, input } from './form.js';
import { h, newId, words } from './h.js';
import { t } from './text.js';
import { button, step } from './ui.js';

/** Entries of one list that are drawn; a search finds the others. */
const SHOWN_MAX = 200;

/** An axis that is wholly in scope, as an entry among the others. */
const ALL = { models: '\u0000models', services: '\u0000services' };
const isAxis = (entry) => entry.startsWith('\u0000');
const axisOf = (entry) => (isAxis(entry) ? entry.slice(1) : /^(ep-|@)/.test(entry) ? 'services' : 'models');
const labelOf = (entry) => (isAxis(entry) ? t(`scope.all_${axisOf(entry)}`) : entry);
/** Whether an entry of a scope covers a name. */
export const covers = (entry, name) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : entry === name);

/** A field for a scope; `value()` gives it, `isUnlisted()` says whether it names what the catalog has not. */
export function scopeField({ models, services }, region) {
  const isAll = models === 'all' && services === 'all';
  const name = newId();
  const choice = (label, hint, checked) => h('label', { class: 'choice' }, h('input', { type: 'radio', name, checked }), h('span', null, h('b', null, label), h('span', { class: 'hint' }, hint)));
  const range = choice(t('scope.range'), t('scope.range_hint'), !isAll);
  const entries = isAll ? [] : [...(models === 'all' ? [ALL.models] : models), ...(services === 'all' ? [ALL.services] : services)];
  const picker = makePicker(entries, region);
  const node = group('scope', t('field.scope'), h('div', { class: 'choices' }, choice(t('scope.all'), t('scope.all_hint'), isAll), range), picker.node);
  const isRange = () => range.firstChild.checked;
  const show = () => { picker.node.hidden = !isRange(); };
  const axis = (of) => (!isRange() || picker.chosen().includes(ALL[of]) ? 'all' : picker.chosen().filter((entry) => axisOf(entry) === of));
  node.addEventListener('change', show);
  show();
  node.value = () => ({ models: axis('models'), services: axis('services') });
  node.isUnlisted = () => isRange() && picker.isUnlisted();
  return node;
}

function makePicker(chosen, region) {
  let [catalog, wanted] = [[], ''];
  const status = h('p', { class: 'sr-only', role: 'status' });
  const search = input({ type: 'search', placeholder: t('scope.search'), 'aria-label': t('scope.search'), class: 'picker-search' });
  const [left, right] = [makeList(t('scope.available')), makeList('')];
  const addShown = button('', () => add(shown()), { kind: 'link' });
  const clear = button(t('scope.clear'), () => change([], t('scope.cleared')), { kind: 'link' });
  const warning = h('p', { class: 'hint warn' });
  const pane = (list, extra, more) => h('div', { class: 'pane' }, h('div', { class: 'pane-head' }, list.title, more), extra, list.node);
  const node = h('div', { class: 'picker' }, h('div', { class: 'panes' }, pane(left, search, addShown), pane(right, null, clear)), warning, status);

  /** What can be added: names that match; what is typed, if it is a prefix or nothing matches. */
  const matches = () => {
    const names = [ALL.models, ALL.services, ...catalog].filter((name) => !chosen.includes(name));
    const found = names.filter((name) => labelOf(name).toLowerCase().includes(wanted.toLowerCase()));
    const isNew = wanted && !chosen.includes(wanted) && (wanted.endsWith('*') || !found.length);
    return isNew ? [wanted, ...found] : found;
  };
  /** What "add all" adds: names of the catalog that can be seen. */
  const shown = () => matches().slice(0, SHOWN_MAX).filter((name) => catalog.includes(name));
  const isUnlisted = () => catalog.length > 0 && chosen.some((entry) => !isAxis(entry) && !catalog.some((name) => covers(entry, name)));
  const change = (entries, said) => {
    chosen = entries;
    status.textContent = `${said} ${t('scope.count', { n: chosen.length })}`;
    draw();
    node.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const add = (entries) => change([...chosen, ...entries], t('scope.added', { name: entries.map(labelOf).slice(0, 3).join(', ') }));
  const draw = () => {
    const all = matches();
    const drawn = all.slice(0, SHOWN_MAX);
    left.fill(drawn.map((name) => option(name, name === wanted && !catalog.includes(name))), (at) => add([drawn[at]]));
    if (all.length > drawn.length) left.node.append(h('p', { class: 'hint' }, t('scope.more', { n: all.length - drawn.length })));
    right.fill(chosen.map((name) => option(name)), (at) => change(chosen.filter((_, index) => index !== at), t('scope.removed', { name: labelOf(chosen[at]) })));
    right.title.textContent = t('scope.chosen', { n: chosen.length });
    addShown.textContent = t('scope.add_shown', { n: shown().length });
    addShown.hidden = !shown().length;
    clear.hidden = !chosen.length;
    warning.textContent = !chosen.length ? t('scope.nothing') : isUnlisted() ? t('scope.unlisted') : '';
  };
  search.addEventListener('input', (event) => { event.stopPropagation(); wanted = search.value.trim(); draw(); });
  search.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') left.focus();
    if (event.key === 'Enter' && wanted) {
      const [first] = matches();
      search.value = wanted = '';
      if (first) add([first]);
    }
    if (['ArrowDown', 'Enter'].includes(event.key)) event.preventDefault();
  });
  draw();
  getAll(`/v1/catalog/${region}`, 'entries').then((entries) => { catalog = entries.map(({ name }) => name); draw(); }, () => {});
  return { node, chosen: () => chosen, isUnlisted };
}

function option(name, isTyped) {
  const text = isTyped ? t(name.endsWith('*') ? 'scope.use_pattern' : 'scope.use_name', { name }) : labelOf(name);
  return [words(text), !isAxis(name) && h('span', { class: 'kind' }, t(`scope.kind_${axisOf(name)}`))];
}

/** A list whose entries move when they are clicked, or chosen by Enter or Space; arrows walk. */
function makeList(label) {
  const id = newId();
  const title = h('span', { id, class: 'pane-title' }, label);
  const node = h('div', { class: 'options', role: 'listbox', tabindex: '0', 'aria-labelledby': id });
  let [options, choose, at] = [[], () => {}, 0];
  const mark = (to) => {
    at = Math.max(0, Math.min(to, options.length - 1));
    options.forEach((one, index) => one.classList.toggle('active', index === at));
    if (options[at]) node.setAttribute('aria-activedescendant', options[at].id);
    else node.removeAttribute('aria-activedescendant');
  };
  node.addEventListener('keydown', (event) => {
    const to = step(event, at, options.length);
    if (to !== undefined) { mark(to); options[at]?.scrollIntoView({ block: 'nearest' }); }
    if (!['Enter', ' '].includes(event.key)) return;
    event.preventDefault();
    if (options[at]) choose(at);
  });
  node.addEventListener('click', (event) => {
    const clicked = options.indexOf(event.target.closest('[role="option"]'));
    if (clicked >= 0) choose(clicked);
  });
  const fill = (contents, act) => {
    const scroll = node.scrollTop;
    options = contents.map((content) => h('div', { id: newId(), role: 'option', 'aria-selected': 'false', class: 'option' }, content));
    choose = act;
    node.replaceChildren(...options);
    node.scrollTop = scroll;
    mark(at);
  };
  return { node, title, fill, focus: () => { node.focus(); mark(0); } };
}

/** A scope in a few words, with the names behind them. */
export function scopeWords({ models, services }) {
  if (models === 'all' && services === 'all') return t('scope.all');
  const axes = [['models', models], ['services', services]].filter(([, axis]) => axis.length);
  if (!axes.length) return h('span', { class: 'muted' }, t('scope.none'));
  const count = axes.map(([name, axis]) => (axis === 'all' ? t(`scope.all_${name}`) : t(`scope.n_${name}`, { n: axis.length }))).join(', ');
  const names = axes.flatMap(([, axis]) => (axis === 'all' ? [] : axis));
  return h('span', { class: 'scope', title: names.join('\n') }, count, h('span', { class: 'names' }, words(names.slice(0, 12).join(', '))));
}
