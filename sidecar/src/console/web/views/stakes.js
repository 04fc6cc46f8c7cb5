// @ts-check
// What is at stake when a key is disabled, replaced or deleted: which one it is, and who uses it.

import { html } from '../base.js';
import { get } from '../parts/api.js';
import { useLoad } from '../parts/page.js';
import { ScopeWords } from '../parts/scope.js';
import { Code, Facts, Relative } from '../parts/small.js';
import { number, t } from '../parts/text.js';

const HOUR_MS = 3600e3;

/** The last day's requests of a key, and the Envoys of its region. */
async function learn(key) {
  const from = new Date((Math.floor(Date.now() / HOUR_MS) - 23) * HOUR_MS).toISOString();
  const [usage, { envoys }] = await Promise.all([
    get(`/v1/keys/${key.id}/usage`, { period: 'hour', from, limit: 1 }),
    get('/v1/envoys'),
  ]);
  const { permitted, refused } = usage.total;
  const names = envoys.filter(({ region, live }) => live && region === key.region).map(({ envoy }) => envoy);
  return { requests: permitted + refused, names };
}

export function Stakes({ of: key }) {
  const { data, problem } = useLoad(() => learn(key), [key.id]);
  const said = (text) => (problem ? '–' : data ? text(data) : t('loading'));
  const someOf = (names) => names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
  return html`
    <${Facts} pairs=${[
      [t('field.value'), html`<${Code}>${key.masked}<//>`],
      [t('key.id'), html`<${Code}>${key.id}<//>`],
      [t('field.scope'), html`<${ScopeWords} scope=${key.scope} />`],
      [t('keys.last_used'), html`<${Relative} at=${key.last_used_at} />`],
      [t('stakes.requests'), said(({ requests }) => number(requests))],
      [t('stakes.envoys'), said(({ names }) => (names.length ? someOf(names) : t('stakes.no_envoys')))],
    ]} />
  `;
}
