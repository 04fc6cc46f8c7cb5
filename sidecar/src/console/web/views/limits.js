// @ts-check
// How the limits of the account stand; requests for more keys: who asks, and who grants them.

import { html } from '../base.js';
import { account, call, get, isOperator, loadPlaces, may, onceOnly, state } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { ask } from '../parts/dialog.js';
import { AreaField, TextField } from '../parts/form.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Badge, Empty, Moment } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { toast } from '../parts/toast.js';
import { LimitCard } from './limit-gauges.js';

const KINDS = { open: 'warn', granted: 'good', denied: 'bad' };

export const LimitField = (props) => html`<${TextField} type="number" max="1000000" required ...${props} />`;

/** Asks the operator for more keys. */
export function askForMore(reload) {
  const n = account().key_limit;
  const once = onceOnly();
  return ask({
    title: t('limit.ask'), label: t('limit.send'), initial: { key_limit: String(n * 2), reason: '' },
    fields: (form) => html`
      <${LimitField} form=${form} name="key_limit" label=${t('limit.wanted')} hint=${t('limit.now', { n })}
        min=${String(n + 1)} />
      <${AreaField} form=${form} name="reason" label=${t('limit.reason')} rows="3" required maxlength="1024" />
    `,
    send: async ({ key_limit: limit, reason }) => {
      const body = { account: state.account, key_limit: Number(limit), reason };
      await call('POST', '/v1/limit-requests', { body, once });
      toast(t('limit.sent'));
      await reload();
    },
  });
}

export function View() {
  const loading = useLoad(() => get('/v1/limit-requests'), []);
  const add = !isOperator() && may('keys:write') && html`
    <${Button} kind="primary" picture="plus" act=${() => askForMore(loading.reload)}>${t('limit.ask')}<//>
  `;
  return html`
    <${Page} title=${t('nav.limits')} actions=${add}>
      <${LimitCard} path=${`/v1/accounts/${state.account}`} name=${account().name} mayReset=${isOperator()} />
      <${Loaded} of=${loading}>${({ limit_requests: all }) => html`
        <${Requests} all=${all} reload=${loading.reload} />
      `}<//>
    <//>
  `;
}

function Requests({ all, reload }) {
  if (!all.length) return html`<${Empty} picture="clock" title=${t('limit.none')}><p>${t('limit.none_hint')}</p><//>`;
  const columns = [
    t('account'), { name: t('limit.wanted'), class: 'fit' }, t('limit.reason'), t('limit.by'), t('keys.status'),
    actionColumn(),
  ];
  const row = (one) => ({
    key: one.id,
    cells: [
      html`<bdi>${one.account}</bdi>`,
      String(one.key_limit),
      html`<bdi>${one.reason}</bdi>`,
      html`<${By} of=${one} />`,
      html`<${Status} of=${one} />`,
      one.status === 'open' && isOperator() && html`<${Decide} of=${one} reload=${reload} />`,
    ],
  });
  return html`<${Table} label=${t('nav.limits')} columns=${columns} rows=${all.map(row)} />`;
}

const Both = ({ first, second }) => html`
  <div class="named">${first}${second && html`<span class="about">${second}</span>`}</div>
`;

const By = ({ of: { requested_by: actor, created_at: at } }) => html`
  <${Both} first=${html`<bdi>${actor}</bdi>`} second=${html`<${Moment} at=${at} />`} />
`;

const Status = ({ of: { status, note } }) => html`
  <${Both} first=${html`<${Badge} kind=${KINDS[status]}>${t(`limit.${status}`)}<//>`}
    second=${note && html`<bdi>${note}</bdi>`} />
`;

function Decide({ of: one, reload }) {
  const send = async (body) => {
    await call('PATCH', `/v1/limit-requests/${one.id}`, { body });
    await loadPlaces();
    await reload();
  };
  const deny = () => ask({
    title: t('limit.deny'), label: t('limit.deny'), kind: 'danger', initial: { note: '' },
    fields: (form) => html`
      <${AreaField} form=${form} name="note" label=${t('limit.note')} optional rows="3" maxlength="1024" />
    `,
    send: ({ note }) => send({ status: 'denied', note }),
  });
  return html`
    <div class="inline">
      <${Button} kind="small" act=${() => send({ status: 'granted' })}>${t('limit.grant')}<//>
      <${Button} kind="small" act=${deny}>${t('limit.deny')}<//>
    </div>
  `;
}
