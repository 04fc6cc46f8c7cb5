// @ts-check
// What is told at the edge of the page, for a while, and in which words.

import { newId } from '../base.js';
import { ago, millis, t, tOr } from './text.js';

const SECONDS = { bad: 15, undo: 10, good: 6 };

/** @type {any[]} */
let told = [];
/** Set by what shows them. */
export const shelf = { show: (/** @type {any[]} */ _toasts) => {} };

/** A problem in the reader's words; `errors` are those that stand beside no field. */
export function explain(problem, errors = problem.errors) {
  if (problem.kind === undefined) throw problem;
  const more = problem.status >= 500 && problem.requestId ? ` (${problem.requestId})` : '';
  const rest = errors.map(({ field, detail }) => `${field}: ${detail}`);
  return [tOr(`problem.${problem.kind}`, problem.message), ...rest].join('\n') + more;
}

/** Tells something; `undo` can take it back.
 * @param {string} text
 * @param {{kind?: string, undo?: () => Promise<void>, seconds?: number, label?: string}} options */
export function toast(text, { kind = 'good', undo, seconds, label = t('undo') } = {}) {
  const one = { id: newId(), text, kind, undo, label, leave: () => {} };
  const timer = setTimeout(() => one.leave(), (seconds ?? SECONDS[undo ? 'undo' : kind]) * 1000);
  one.leave = () => {
    clearTimeout(timer);
    told = told.filter((other) => other !== one);
    shelf.show(told);
  };
  told = [...told, one];
  shelf.show(told);
}

/** Who has a change in force: a sentence, and what to know about each that has not. */
export function propagated({ data, ms }, what) {
  const { envoys, applied, pending } = data.propagation;
  if (envoys === 0) return { sentence: t('propagation.none'), kind: 'bad', laggards: [] };
  const late = ({ envoy, last_seen: seen }) => `${envoy} ${t('propagation.late', { seen: ago(seen) })}`;
  const sentence = t(`propagation.${what}`, { applied, envoys, ms: millis(ms) });
  return { sentence, kind: pending.length ? 'bad' : 'good', laggards: pending.map(late) };
}

/** Tells what was done and how far it has come.
 * @param {() => Promise<void>} [undo] */
export function tell(lead, answer, what, undo) {
  const { sentence, kind, laggards } = propagated(answer, what);
  toast([`${lead} ${sentence}`, ...laggards].join('\n'), { kind, undo });
}
