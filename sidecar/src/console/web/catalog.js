// The catalog of a region: the models and services that a scope may name.

import { call, getAll, isOperator, state } from './api.js';
import { area, confirm, field, formDialog, input } from './form.js';
import { h, words } from './h.js';
import { t } from './text.js';
import { actionColumn, badge, button, empty, listPage, table, toast } from './ui.js';

export function view() {
  const acts = () => isOperator() && [button(t('catalog.import'), () => importModels(node.reload)), button(t('catalog.add'), () => edit(null, node.reload), { kind: 'primary', picture: 'plus' })];
  const node = listPage(t('nav.catalog'), { lead: t('catalog.lead', { region: state.region }), actions: acts() }, async (load) => {
    const entries = await getAll(`/v1/catalog/${state.region}`, 'entries');
    if (!entries.length) return empty('box', t('catalog.none'), t('catalog.none_hint'));
    return table(t('nav.catalog'), [t('field.name'), t('catalog.kind'), t('catalog.display'), actionColumn()], entries.map((one) => row(one, load)));
  });
  return node;
}

function row(entry, load) {
  const acts = isOperator() && h('div', { class: 'inline' },
    button(t('edit'), () => edit(entry, load), { kind: 'small', 'aria-label': t('keys.edit', { name: entry.name }) }),
    button(t('remove'), () => remove(entry, load), { kind: 'small', 'aria-label': t('catalog.remove', { name: entry.name }) }));
  return [words(entry.name, { class: 'mono' }), badge(t(`scope.kind_${entry.kind}s`)), words([entry.display_name, ...entry.aliases].join(', ')), acts];
}

const put = ({ name, display_name, aliases }) => call('PUT', pathOf(name), { body: { display_name: display_name || undefined, aliases } });
const pathOf = (name) => `/v1/catalog/${state.region}/${encodeURIComponent(name)}`;

async function edit(entry, load) {
  const name = input({ required: true, maxlength: '256', value: entry?.name, readonly: Boolean(entry), class: 'mono' });
  const display = input({ maxlength: '128', value: entry?.display_name });
  const fields = [field('name', t('field.name'), name), field('display_name', t('catalog.display'), display, { optional: true })];
  await formDialog(t(entry ? 'catalog.edit' : 'catalog.add'), fields, t('save'), async () => {
    await put({ name: name.value, display_name: display.value, aliases: entry?.aliases ?? [] });
    await load();
  });
}

async function remove(entry, load) {
  const undo = async () => { await put(entry); await load(); };
  const act = async () => { await call('DELETE', pathOf(entry.name)); toast(t('catalog.removed', { name: entry.name }), { undo }); await load(); };
  await confirm({ title: t('catalog.remove', { name: entry.name }), body: t('catalog.remove_why'), yes: t('remove'), kind: 'danger', act });
}

async function importModels(load) {
  const text = area({ rows: '8', required: true, class: 'mono', placeholder: '{"data": [{"id": "glm-5.1"}]}' });
  await formDialog(t('catalog.import'), [h('p', null, t('catalog.import_why')), field('data', t('catalog.answer'), text)], t('catalog.import'), async () => {
    const { data } = await call('POST', `/v1/catalog/${state.region}/import`, { body: text.value });
    toast(t('catalog.imported', { added: data.added, known: data.known_before }));
    await load();
  });
}
