// @ts-check
// What a scope says: its two axes, as one list of entries, and in a few words.

import { html } from '../base.js';
import { t } from './text.js';

/** An axis that is wholly in scope, as an entry among the others. */
export const ALL = { models: '\u0000models', services: '\u0000services' };
export const isAxis = (entry) => entry.startsWith('\u0000');
export const labelOf = (entry) => (isAxis(entry) ? t(`scope.all_${axisOf(entry)}`) : entry);

export function axisOf(entry) {
  if (isAxis(entry)) return entry.slice(1);
  return /^(ep-|@)/.test(entry) ? 'services' : 'models';
}

/** Whether an entry of a scope covers a name. */
export const covers = (entry, name) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : entry === name);

const isEverything = ({ models, services }) => models === 'all' && services === 'all';

/** A scope as a form has it: whether it is a range, and the entries of both axes. */
export function rangeOf(scope) {
  if (isEverything(scope)) return { isRange: false, entries: [] };
  const entries = Object.keys(ALL).flatMap((axis) => (scope[axis] === 'all' ? [ALL[axis]] : scope[axis]));
  return { isRange: true, entries };
}

/** And back. */
export function scopeOf({ isRange, entries }) {
  const axis = (name) => {
    if (!isRange || entries.includes(ALL[name])) return 'all';
    return entries.filter((entry) => axisOf(entry) === name);
  };
  return { models: axis('models'), services: axis('services') };
}

/** A scope in a few words, with the names behind them. */
export function ScopeWords({ scope }) {
  if (isEverything(scope)) return t('scope.all');
  const axes = Object.entries(scope).filter(([, axis]) => axis.length);
  if (!axes.length) return html`<span class="muted">${t('scope.none')}</span>`;
  const counted = ([name, axis]) =>
    (axis === 'all' ? t(`scope.all_${name}`) : t(`scope.n_${name}`, { n: axis.length }));
  const names = axes.flatMap(([, axis]) => (axis === 'all' ? [] : axis));
  return html`
    <span class="scope" title=${names.join('\n')}>
      ${axes.map(counted).join(', ')}<span class="names"><bdi>${names.slice(0, 12).join(', ')}</bdi></span>
    </span>
  `;
}
