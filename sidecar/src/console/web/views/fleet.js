// @ts-check
// The fleet: every Envoy that follows this sidecar, how far it is, and how to say that one is gone for good.

import { html, useLayoutEffect } from '../base.js';
import { call, get, isOperator } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { confirm } from '../parts/dialog.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Badge, Code, Empty, Relative } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { millis, t } from '../parts/text.js';
import { toast } from '../parts/toast.js';

const EVERY_MS = 5000;

export function View() {
  const loading = useLoad(() => get('/v1/envoys'), []);
  useLayoutEffect(() => {
    const again = setInterval(() => document.hidden || loading.reload(), EVERY_MS);
    return () => clearInterval(again);
  }, []);
  return html`
    <${Page} title=${t('nav.fleet')} lead=${t('fleet.lead')}>
      <${Loaded} of=${loading}>${({ envoys }) => html`<${Envoys} envoys=${envoys} reload=${loading.reload} />`}<//>
    <//>
  `;
}

function Envoys({ envoys, reload }) {
  if (!envoys.length) {
    return html`<${Empty} picture="server" title=${t('fleet.none')}><p>${t('fleet.none_hint')}</p><//>`;
  }
  const generations = (of) => envoys.filter(({ region }) => region === of).map(({ generation }) => generation ?? 0);
  const columns = [
    t('fleet.envoy'), t('region'), { name: t('keys.status'), class: 'fit' }, t('fleet.generation'), t('fleet.seen'),
    t('fleet.lease'), t('fleet.version'), actionColumn(),
  ];
  const rows = envoys.map((one) => row(one, Math.max(...generations(one.region)), reload));
  return html`<${Table} label=${t('nav.fleet')} columns=${columns} rows=${rows} />`;
}

const row = (one, newest, reload) => ({
  key: `${one.region} ${one.instance}`,
  cells: [
    html`<${Named} of=${one} />`,
    one.region,
    html`<${Status} of=${one} newest=${newest} />`,
    html`<${Generation} of=${one} newest=${newest} />`,
    html`<${Relative} at=${one.last_seen} />`,
    html`<${Lease} of=${one} />`,
    one.version ?? '–',
    !one.live && isOperator() && html`
      <${Button} kind="small" aria-label=${t('fleet.dismiss_one', { name: one.envoy })}
        act=${() => dismiss(one, reload)}>${t('fleet.dismiss')}<//>
    `,
  ],
});

const Named = ({ of: { envoy, instance } }) => html`
  <div class="named">
    <bdi>${envoy}</bdi><span class="about"><${Code} title=${instance}>${instance.slice(0, 8)}<//></span>
  </div>
`;

function Status({ of: { live, generation, last_error: error, shares_name: isTwin }, newest }) {
  const [text, kind] = !live ? ['lost', 'bad'] : generation === newest ? ['current', 'good'] : ['behind', 'warn'];
  return html`
    <div class="named">
      <${Badge} kind=${kind}>${t(`fleet.${text}`)}<//>
      ${isTwin && html`<span class="about">${t('fleet.twin')}</span>`}
      ${error && html`<span class="about" title=${error.error}>${t('fleet.error', { error: error.error })}</span>`}
    </div>
  `;
}

const Generation = ({ of: { generation, lag_ms: lag }, newest }) => html`
  <div class="named tabular">
    ${generation ?? '–'}
    ${generation !== newest && html`<span class="about">${t('fleet.lag', { lag: millis(lag) })}</span>`}
  </div>
`;

function Lease({ of: { lease_over: isOver, may_serve_until: until } }) {
  if (isOver) return html`<${Badge} kind="bad">${t('fleet.lease_over')}<//>`;
  return html`<${Relative} at=${until} never=${t('fleet.lease_none')} />`;
}

/** Says that an Envoy that was lost is gone for good: no change waits for it or names it any more. */
async function dismiss({ envoy, instance, region }, reload) {
  const act = async () => {
    await call('DELETE', `/v1/envoys/${encodeURIComponent(instance)}`, { query: { region } });
    toast(t('fleet.dismissed', { name: envoy }));
    await reload();
  };
  const title = t('fleet.dismiss_one', { name: envoy });
  await confirm({ title, body: t('fleet.dismiss_why'), yes: t('fleet.dismiss'), kind: 'danger', act });
}
