// @ts-check
// Regions: where keys are served.

import { html } from '../base.js';
import { call, loadPlaces, onceOnly, state } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { ask } from '../parts/dialog.js';
import { TextField } from '../parts/form.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Code, Time } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { Acts, Status } from './tenants.js';

export function View() {
  const loading = useLoad(async () => {
    await loadPlaces();
    return state.regions;
  }, []);
  const { reload } = loading;
  const add = html`
    <${Button} kind="primary" picture="plus" act=${() => create(reload)}>${t('places.add_region')}<//>
  `;
  const columns = [
    t('region'), t('keys.status'), t('places.gateway'), { name: t('keys.created'), class: 'fit' }, actionColumn(),
  ];
  const row = ({ id, status, gateway, created_at: at }) => ({
    key: id,
    cells: [
      html`<${Code}>${id}<//>`,
      html`<${Status} of=${status} />`,
      gateway && html`<bdi>${gateway}</bdi>`,
      html`<${Time} at=${at} />`,
      html`<${Acts} path=${`/v1/regions/${id}`} name=${id} status=${status} reload=${reload} />`,
    ],
  });
  return html`
    <${Page} title=${t('nav.regions')} actions=${add}>
      <${Loaded} of=${loading}>${(all) => html`
        <${Table} label=${t('nav.regions')} columns=${columns} rows=${all.map(row)} />
      `}<//>
    <//>
  `;
}

function create(reload) {
  const once = onceOnly();
  return ask({
    title: t('places.add_region'), label: t('places.add_region'), initial: { id: '' },
    fields: (form) => html`
      <${TextField} form=${form} name="id" label=${t('accounts.id')} hint=${t('accounts.id_hint')} required
        maxlength="64" class="mono" />
    `,
    send: async (body) => {
      await call('POST', '/v1/regions', { body, once });
      await reload();
    },
  });
}
