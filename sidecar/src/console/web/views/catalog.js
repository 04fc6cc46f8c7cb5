// @ts-check
// The catalog of a region: the models and services that a scope may name.

import { html } from '../base.js';
import { call, getAll, isOperator, state } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { ask, confirm } from '../parts/dialog.js';
import { AreaField, TextField } from '../parts/form.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Badge, Empty } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { toast } from '../parts/toast.js';

export function View() {
  const loading = useLoad(() => getAll(`/v1/catalog/${state.region}`, 'entries'), []);
  const { reload } = loading;
  const actions = isOperator() && html`
    <${Button} act=${() => importModels(reload)}>${t('catalog.import')}<//>
    <${Button} kind="primary" picture="plus" act=${() => edit(null, reload)}>${t('catalog.add')}<//>
  `;
  return html`
    <${Page} title=${t('nav.catalog')} lead=${t('catalog.lead', { region: state.region })} actions=${actions}>
      <${Loaded} of=${loading}>${(entries) => html`<${Entries} entries=${entries} reload=${reload} />`}<//>
    <//>
  `;
}

function Entries({ entries, reload }) {
  if (!entries.length) {
    return html`<${Empty} picture="box" title=${t('catalog.none')}><p>${t('catalog.none_hint')}</p><//>`;
  }
  const columns = [t('field.name'), { name: t('catalog.kind'), class: 'fit' }, t('catalog.display'), actionColumn()];
  const row = (entry) => ({
    key: entry.name,
    cells: [
      html`<bdi class="mono">${entry.name}</bdi>`,
      html`<${Badge}>${t(`scope.kind_${entry.kind}s`)}<//>`,
      html`<bdi>${[entry.display_name, ...entry.aliases].filter(Boolean).join(', ')}</bdi>`,
      isOperator() && html`<${Acts} of=${entry} reload=${reload} />`,
    ],
  });
  return html`<${Table} label=${t('nav.catalog')} columns=${columns} rows=${entries.map(row)} />`;
}

const Acts = ({ of: entry, reload }) => html`
  <div class="inline">
    <${Button} kind="small" aria-label=${t('keys.edit', { name: entry.name })} act=${() => edit(entry, reload)}>
      ${t('edit')}
    <//>
    <${Button} kind="small" aria-label=${t('catalog.remove', { name: entry.name })}
      act=${() => remove(entry, reload)}>${t('remove')}<//>
  </div>
`;

const pathOf = (name) => `/v1/catalog/${state.region}/${encodeURIComponent(name)}`;
const put = ({ name, display_name: display, aliases }) =>
  call('PUT', pathOf(name), { body: { display_name: display || undefined, aliases } });

const edit = (entry, reload) => ask({
  title: t(entry ? 'catalog.edit' : 'catalog.add'), label: t('save'),
  initial: { name: entry?.name ?? '', display_name: entry?.display_name ?? '' },
  fields: (form) => html`
    <${TextField} form=${form} name="name" label=${t('field.name')} required maxlength="256" class="mono"
      readonly=${Boolean(entry)} />
    <${TextField} form=${form} name="display_name" label=${t('catalog.display')} optional maxlength="128" />
  `,
  send: async (values) => {
    await put({ ...values, aliases: entry?.aliases ?? [] });
    await reload();
  },
});

async function remove(entry, reload) {
  const undo = async () => {
    await put(entry);
    await reload();
  };
  const act = async () => {
    await call('DELETE', pathOf(entry.name));
    toast(t('catalog.removed', { name: entry.name }), { undo });
    await reload();
  };
  const title = t('catalog.remove', { name: entry.name });
  await confirm({ title, body: t('catalog.remove_why'), yes: t('remove'), kind: 'danger', act });
}

const importModels = (reload) => ask({
  title: t('catalog.import'), label: t('catalog.import'), initial: { data: '' },
  fields: (form) => html`
    <p>${t('catalog.import_why')}</p>
    <${AreaField} form=${form} name="data" label=${t('catalog.answer')} rows="8" required class="mono"
      placeholder='{"data": [{"id": "glm-5.1"}]}' />
  `,
  send: async ({ data: text }) => {
    const { data } = await call('POST', `/v1/catalog/${state.region}/import`, { body: text });
    toast(t('catalog.imported', { added: data.added, known: data.known_before }));
    await reload();
  },
});
