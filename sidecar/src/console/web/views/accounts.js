// @ts-check
// Accounts: how many keys each may have, and whether they are served.

import { html } from '../base.js';
import { call, loadPlaces, onceOnly, state } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { ask } from '../parts/dialog.js';
import { TextField } from '../parts/form.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Code, Time } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { LimitsField, limitValues, limitsOf } from './limit-fields.js';
import { LimitField } from './limits.js';
import { Acts, Status } from './tenants.js';

export function View() {
  const loading = useLoad(async () => {
    await loadPlaces();
    return state.accounts;
  }, []);
  const add = html`
    <${Button} kind="primary" picture="plus" act=${() => create(loading.reload)}>${t('accounts.add')}<//>
  `;
  const columns = [
    t('field.name'), t('accounts.id'), t('keys.status'), { name: t('nav.keys'), class: 'share' },
    { name: t('keys.created'), class: 'fit' }, actionColumn(),
  ];
  return html`
    <${Page} title=${t('nav.accounts')} actions=${add}>
      <${Loaded} of=${loading}>${(all) => html`
        <${Table} label=${t('nav.accounts')} columns=${columns} rows=${all.map((one) => row(one, loading.reload))} />
      `}<//>
    <//>
  `;
}

function row(one, reload) {
  const { standard_keys: used, key_limit: limit } = one;
  return {
    key: one.id,
    cells: [
      html`<bdi>${one.name}</bdi>`,
      html`<${Code}>${one.id}<//>`,
      html`<${Status} of=${one.status} />`,
      html`
        <div class="named tabular wide-cell">
          <meter value=${used} max=${Math.max(1, limit)} aria-label=${t('nav.keys')}></meter>
          ${t('keys.used', { used, limit })}
        </div>
      `,
      html`<${Time} at=${one.created_at} />`,
      html`
        <div class="inline">
          <${Button} kind="small" aria-label=${t('keys.edit', { name: one.name })} act=${() => edit(one, reload)}>
            ${t('edit')}
          <//>
          <${Acts} path=${`/v1/accounts/${one.id}`} name=${one.name} status=${one.status} reload=${reload} />
        </div>
      `,
    ],
  };
}

const NameField = ({ form }) => html`
  <${TextField} form=${form} name="name" label=${t('field.name')} required maxlength="128" />
`;

function create(reload) {
  const once = onceOnly();
  return ask({
    title: t('accounts.add'), label: t('accounts.add'), initial: { id: '', name: '' },
    fields: (form) => html`
      <${TextField} form=${form} name="id" label=${t('accounts.id')} hint=${t('accounts.id_hint')} required
        maxlength="64" class="mono" />
      <${NameField} form=${form} />
    `,
    send: async (body) => {
      await call('POST', '/v1/accounts', { body, once });
      await reload();
    },
  });
}

const edit = (one, reload) => ask({
  title: t('keys.edit', { name: one.name }), label: t('save'), wide: true,
  initial: { name: one.name, key_limit: String(one.key_limit), limits: limitValues(one.limits) },
  fields: (form) => html`
    <${NameField} form=${form} />
    <${LimitField} form=${form} name="key_limit" label=${t('accounts.limit')} min="0" />
    <${LimitsField} form=${form} hint=${t('use.account_hint')} />
  `,
  send: async ({ name, key_limit: limit, limits }) => {
    const wanted = limitsOf(limits);
    const isSame = JSON.stringify(wanted) === JSON.stringify(one.limits);
    const body = { name, key_limit: Number(limit), ...(isSame ? {} : { limits: wanted }) };
    await call('PATCH', `/v1/accounts/${one.id}`, { body });
    await reload();
  },
});
