// The keys of an account in a region: searched, filtered, sorted, page by page.

import { account, get, isOperator, may, refreshAccount, state } from './api.js';
import { askForMore } from './accounts.js';
import { input, select } from './form.js';
import { h, icon, words } from './h.js';
import { copyValue, deleteKey, editKey, newKey, resetKey, rotateKey, setStatus } from './key-acts.js';
import { scopeWords } from './picker.js';
import { t } from './text.js';
import { actionColumn, badge, button, code, empty, iconButton, listPage, menu, relative, table, time } from './ui.js';

const PAGE = 50;

export function view({ params, setParams }) {
  const query = { sort: '-created_at', ...params };
  const [meter, notice] = [h('p', { class: 'lead tabular' }), h('div')];
  let cursors = [undefined];
  const search = (changed) => { Object.assign(query, changed); cursors = [undefined]; setParams(query); return reload(); };
  const create = (props) => may('keys:write') && button(t('keys.create'), () => newKey(reload), { kind: 'primary', picture: 'plus', ...props });
  const load = async () => {
    const [{ keys, total, next_cursor: next }] = await Promise.all([get('/v1/keys', { ...query, cursor: cursors.at(-1), account: state.account, region: state.region, limit: PAGE }), refreshAccount()]);
    const { standard_keys: used, key_limit: limit } = account();
    meter.textContent = t('keys.used', { used, limit });
    notice.replaceChildren(...(used < limit ? [] : [limitNotice(limit, reload)]));
    const isSearch = Object.entries(query).some(([name, value]) => name !== 'sort' && value);
    if (!total && isSearch) return empty('search', t('keys.no_match'), t('keys.no_match_hint'), button(t('keys.clear_filters'), () => { location.hash = '#/keys?all'; }));
    if (!total) return empty('key', t('keys.none'), t('keys.none_hint'), create() || []);
    const turn = async (to) => { cursors = to; await reload(); node.scrollIntoView(); };
    return [keyTable(keys, query, search, reload), pager({ total, shown: keys.length, cursors, next, turn })];
  };
  const node = listPage(t('nav.keys'), { filters: filters(query, search), actions: create({ id: 'create' }), rows: 8 }, load);
  const { reload } = node;
  node.querySelector('h1').after(meter);
  node.querySelector('.page-head').after(notice);
  return node;
}

/** Says that the account has all the keys it may have, and what to do. */
function limitNotice(limit, reload) {
  const act = isOperator() ? h('a', { class: 'button small', href: '#/accounts' }, t('limit.raise')) : may('keys:write') && button(t('limit.ask'), () => askForMore(reload), { kind: 'small' });
  return h('div', { class: 'notice', role: 'status' }, h('p', null, h('b', null, t('limit.reached', { limit })), ' ', t('limit.reached_hint')), act);
}

function filters(query, search) {
  let wait;
  const type = input({ type: 'search', value: query.name_contains ?? '', placeholder: t('keys.search'), 'aria-label': t('keys.search') });
  type.addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(() => search({ name_contains: type.value }), 200); });
  const pick = (name, label, options, kind) => select(options, query[name] ?? '', { 'aria-label': label, class: kind, onchange: (event) => search({ [name]: event.target.value }) });
  const sorts = Object.keys(SORTS).flatMap((name) => [name, `-${name}`]);
  return [
    h('div', { class: 'search' }, icon('search'), type),
    pick('status', t('keys.status'), [['', t('keys.any_status')], ['enabled', t('enabled')], ['disabled', t('disabled')]]),
    pick('unused_for_days', t('nav.usage'), [['', t('keys.any_usage')], ...[7, 30, 90].map((n) => [String(n), t('keys.unused', { n })])]),
    pick('origin', t('keys.origin'), [['', t('origin.standard')], ['coding_plan', t('origin.coding_plan')], ['token_plan', t('origin.token_plan')]]),
    pick('sort', t('keys.sort'), sorts.map((id) => [id, t(`sort.${id}`)]), 'phone-only'),
  ];
}

/** What can be sorted by, and whether backwards comes first. */
const SORTS = { name: false, created_at: true, last_used_at: true };

function keyTable(keys, query, search, reload) {
  const sortable = (by, name, kind) => {
    const [isUp, isDown] = [query.sort === by, query.sort === `-${by}`];
    const next = isDown ? by : isUp || SORTS[by] ? `-${by}` : by;
    const head = h('button', { type: 'button', class: 'button sort', onclick: () => search({ sort: next }) }, name, (isUp || isDown) && icon(isUp ? 'up' : 'down'));
    return { name, head, class: kind, 'aria-sort': isUp ? 'ascending' : isDown ? 'descending' : null };
  };
  const columns = [
    sortable('name', t('field.name'), 'name-cell'),
    { name: t('field.value'), class: 'fit' },
    { name: t('keys.status'), class: 'fit' },
    t('field.scope'),
    sortable('created_at', t('keys.created'), 'fit'),
    sortable('last_used_at', t('keys.last_used'), 'fit'),
    { name: t('field.expiry'), class: 'fit' },
    actionColumn(),
  ];
  return table(t('nav.keys'), columns, keys.map((key) => row(key, reload)));
}

function row(key, reload) {
  const name = h('a', { href: `#/keys/${key.id}`, class: 'key-name' }, words(key.name));
  const named = h('div', { class: 'named' }, name, key.description && h('span', { class: 'about' }, words(key.description)), key.successor && badge(t('keys.rotating'), 'warn'));
  return [named, maskedValue(key), statusSwitch(key, reload), scopeWords(key.scope), time(key.created_at), relative(key.last_used_at), expiry(key), may('keys:write') && rowActions(key, reload)];
}

/** A masked value with its one-click copy. */
export function maskedValue(key) {
  const copy = may('keys:reveal') && key.recoverable && iconButton(t('copy.of', { name: key.name }), 'copy', () => copyValue(key));
  return h('span', { class: 'inline' }, code(key.masked), copy);
}

export function expiry(key) {
  const isOver = key.expires_at && new Date(key.expires_at) <= Date.now();
  return isOver ? badge(t('keys.expired'), 'bad') : (time(key.expires_at) ?? h('span', { class: 'muted' }, t('expiry.never')));
}

/** The switch of a key's status; disabling says first what it does. */
export function statusSwitch(key, reload) {
  const isOn = key.status === 'enabled';
  if (!may('keys:write')) return badge(t(key.status), isOn ? 'good' : '');
  const node = button('', () => setStatus(key, isOn ? 'disabled' : 'enabled', reload), { kind: 'switch', role: 'switch', 'aria-checked': String(isOn), 'aria-label': t('keys.switch', { name: key.name }) });
  return h('span', { class: 'inline' }, node, h('span', { class: isOn ? '' : 'muted', 'aria-hidden': 'true' }, t(key.status)));
}

function rowActions(key, reload) {
  const edit = button(t('edit'), () => editKey(key.id, reload), { kind: 'small', 'aria-label': t('keys.edit', { name: key.name }) });
  const more = menu(t('keys.more', { name: key.name }), [
    key.origin === 'standard' ? [t('rotate.do'), () => rotateKey(key, reload)] : [t('reset.do'), () => resetKey(key, reload)],
    may('keys:delete') && [t('delete.do'), () => deleteKey(key, reload), 'danger'],
  ]);
  return h('div', { class: 'inline' }, edit, more);
}

function pager({ total, shown, cursors, next, turn }) {
  const from = (cursors.length - 1) * PAGE;
  const where = h('p', { class: 'tabular', role: 'status' }, t('pager.where', { from: from + 1, to: from + shown, total }));
  const back = iconButton(t('pager.back'), 'left', () => turn(cursors.slice(0, -1)), { disabled: cursors.length === 1 });
  return h('nav', { class: 'pager', 'aria-label': t('pager.name') }, where, back, iconButton(t('pager.on'), 'right', () => turn([...cursors, next]), { disabled: !next }));
}
