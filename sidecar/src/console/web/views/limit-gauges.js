// @ts-check
// How the limits of a key or an account stand: a gauge for each, and new counters for all of them.

import { html } from '../base.js';
import { call, get } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { confirm } from '../parts/dialog.js';
import { Loaded, useLoad } from '../parts/page.js';
import { Badge, Card, Moment } from '../parts/small.js';
import { number, pieces, t } from '../parts/text.js';
import { tell } from '../parts/toast.js';
import { limitName } from './limit-fields.js';

/** A card with the limits of `path`, a key or an account; nothing if there are none. `mayReset`: the reader may
 * begin new counters; `name`: whose they are; `deps`: what they change with. */
export function LimitCard({ path, name, mayReset, deps = [] }) {
  const loading = useLoad(() => get(`${path}/limits`), [path, ...deps]);
  if (!loading.problem && !loading.data?.limits.length) return null;
  const reset = mayReset && html`
    <${Button} kind="small" act=${() => resetLimits(path, name, loading.reload)}>${t('use.reset')}<//>
  `;
  return html`
    <${Card} title=${t('use.title')}>
      <${Loaded} of=${loading} kind="gauges">${(report) => html`
        ${report.limits.map((one) => html`<${Gauge} key=${limitName(one.limit)} ...${one} />`)}
        <${Reservations} ...${report} />
      `}<//>
      ${reset}
    <//>
  `;
}

/** What was used and what running requests hold, of the whole. */
function Gauge({ limit, used, held, remaining, window, exhausted, per_envoy: isPerEnvoy }) {
  const name = limitName(limit);
  const about = isPerEnvoy
    ? t('use.per_envoy')
    : [held > 0 && t('use.held', { held }), t('use.left', { remaining })].filter(Boolean).join(' · ');
  const end = window?.end && html`<span>${pieces('use.until', { end: html`<${Moment} at=${window.end} />` })}</span>`;
  const figure = isPerEnvoy ? number(limit.amount) : t('use.of', { used, amount: limit.amount });
  return html`
    <div class="gauge tabular">
      <div class="gauge-head"><b>${name}</b>${exhausted && html`<${Badge} kind="bad">${t('use.exhausted')}<//>`}
        <span>${figure}</span>
      </div>
      ${!isPerEnvoy && html`
        <meter value=${used + held} max=${limit.amount} high=${limit.amount * 0.9} aria-label=${name}></meter>
      `}
      <p class="hint">${about}${end && html` · ${end}`}</p>
    </div>
  `;
}

/** What is not in the figures, and who refuses. */
const Reservations = ({ unheard, refusing }) => html`
  ${unheard.length > 0 && html`
    <p class="notice">${t('use.unheard', { envoys: unheard.map(({ envoy }) => envoy).join(', ') })}</p>
  `}
  ${refusing.length > 0 && html`<p class="notice">${t('use.refusing', { envoys: refusing.join(', ') })}</p>`}
`;

async function resetLimits(path, name, reload) {
  const act = async () => {
    tell(t('use.reset_done', { name }), await call('POST', `${path}/limits/reset`), 'in_force');
    await reload();
  };
  const title = t('use.reset_title', { name });
  await confirm({ title, body: t('use.reset_why'), yes: t('use.reset'), kind: 'danger', act });
}
