// Accounts: how many keys each may have, who asks for more, and who grants it.

import { account, call, get, isOperator, loadPlaces, may, onceOnly, state } from './api.js';
import { area, confirm, field, formDialog, input } from './form.js';
import { h, words } from './h.js';
import { t } from './text.js';
import { actionColumn, badge, button, code, empty, listPage, moment, table, time, toast } from './ui.js';

export function view({ name, placesChanged }) {
  return name === 'limits' ? requests() : accounts(placesChanged);
}

function accounts(placesChanged) {
  const add = button(t('accounts.add'), () => create(node.reload), { kind: 'primary', picture: 'plus' });
  const node = listPage(t('nav.accounts'), { actions: add }, async (load) => {
    await loadPlaces();
    placesChanged();
    const columns = [t('field.name'), t('accounts.id'), { name: t('nav.keys'), class: 'share' }, t('keys.created'), actionColumn()];
    return table(t('nav.accounts'), columns, state.accounts.map((one) => row(one, load)));
  });
  return node;
}

function row(one, load) {
  const { standard_keys: used, key_limit: limit } = one;
  const share = h('div', { class: 'named tabular' }, h('meter', { value: String(used), max: String(Math.max(1, limit)), 'aria-label': t('nav.keys') }), t('keys.used', { used, limit }));
  return [words(one.name), code(one.id), share, time(one.created_at), button(t('edit'), () => edit(one, load), { kind: 'small', 'aria-label': t('keys.edit', { name: one.name }) })];
}

async function create(load) {
  const [id, name, once] = [input({ required: true, maxlength: '64', class: 'mono' }), input({ required: true, maxlength: '128' }), onceOnly()];
  await formDialog(t('accounts.add'), [field('id', t('accounts.id'), id, { hint: t('accounts.id_hint') }), field('name', t('field.name'), name)], t('accounts.add'), async () => {
    await call('POST', '/v1/accounts', { body: { id: id.value, name: name.value }, once });
    await load();
  });
}

const limitInput = (min, value) => input({ type: 'number', min: String(min), max: '1000000', required: true, value: String(value) });

async function edit(one, load) {
  const [name, limit] = [input({ required: true, maxlength: '128', value: one.name }), limitInput(0, one.key_limit)];
  await formDialog(t('keys.edit', { name: one.name }), [field('name', t('field.name'), name), field('key_limit', t('accounts.limit'), limit)], t('save'), async () => {
    await call('PATCH', `/v1/accounts/${one.id}`, { body: { name: name.value, key_limit: Number(limit.value) } });
    await load();
  });
}

/** Asks the operator for more keys. */
export async function askForMore(reload) {
  const n = account().key_limit;
  const [limit, reason, once] = [limitInput(n + 1, n * 2), area({ rows: '3', required: true, maxlength: '1024' }), onceOnly()];
  const fields = [field('key_limit', t('limit.wanted'), limit, { hint: t('limit.now', { n }) }), field('reason', t('limit.reason'), reason)];
  await formDialog(t('limit.ask'), fields, t('limit.send'), async () => {
    await call('POST', '/v1/limit-requests', { body: { account: state.account, key_limit: Number(limit.value), reason: reason.value }, once });
    toast(t('limit.sent'));
    await reload();
  });
}

function requests() {
  const ask = !isOperator() && may('keys:write') && button(t('limit.ask'), () => askForMore(node.reload), { kind: 'primary', picture: 'plus' });
  const node = listPage(t('nav.limits'), { actions: ask }, async (load) => {
    const { limit_requests: all } = await get('/v1/limit-requests');
    if (!all.length) return empty('clock', t('limit.none'), t('limit.none_hint'));
    const columns = [t('account'), t('limit.wanted'), t('limit.reason'), t('limit.by'), t('keys.status'), actionColumn()];
    return table(t('nav.limits'), columns, all.map((one) => request(one, load)));
  });
  return node;
}

const KINDS = { open: 'warn', granted: 'good', denied: 'bad' };

function request(one, load) {
  const both = (first, second) => h('div', { class: 'named' }, first, second && h('span', { class: 'about' }, second));
  const status = both(badge(t(`limit.${one.status}`), KINDS[one.status]), words(one.note));
  return [words(one.account), String(one.key_limit), words(one.reason), both(words(one.requested_by), moment(one.created_at)), status, one.status === 'open' && isOperator() && decide(one, load)];
}

function decide(one, load) {
  const send = async (body) => { await call('PATCH', `/v1/limit-requests/${one.id}`, { body }); await loadPlaces(); await load(); };
  const note = area({ rows: '3', maxlength: '1024' });
  const deny = () => confirm({ title: t('limit.deny'), body: field('note', t('limit.note'), note, { optional: true }), yes: t('limit.deny'), kind: 'danger', act: () => send({ status: 'denied', note: note.value }) });
  return h('div', { class: 'inline' }, button(t('limit.grant'), () => send({ status: 'granted' }), { kind: 'small' }), button(t('limit.deny'), deny, { kind: 'small' }));
}
