// @ts-check
// The keys of an account in a region: searched, filtered, sorted, page by page.

import { html, useState } from '../base.js';
import { account, get, getAll, isOperator, may, refreshAccount, region, state } from '../parts/api.js';
import { Button, IconButton } from '../parts/button.js';
import { saveCsv } from '../parts/csv.js';
import { Checkbox } from '../parts/form.js';
import { Popup } from '../parts/popup.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Code, Empty } from '../parts/small.js';
import { t } from '../parts/text.js';
import { explain, toast } from '../parts/toast.js';
import { newKey } from './key-acts.js';
import { BulkBar } from './key-bulk.js';
import { KeySearch } from './key-search.js';
import { COLUMNS, KeyTable, chosenColumns } from './key-table.js';
import { askForMore } from './limits.js';

const PAGE = 50;
const FILTERS = ['search', 'status', 'unused_for_days', 'origin', 'sort'];

/** The state of the list as the address has it. */
const queryOf = (params) => ({
  sort: '-created_at', ...Object.fromEntries(FILTERS.map((name) => [name, params[name]]).filter(([, value]) => value)),
});

/** Where in the list the reader is: the cursor of each page before, and of this one. The address has the last,
 * and the browser keeps the others for as long as its history. */
function placeOf({ cursor, from }) {
  const kept = history.state?.cursors;
  if (kept && kept.at(-1) === cursor) return kept;
  return cursor && from > 0 ? [...Array(Number(from)).fill(null), cursor] : [null];
}

export function View({ params, setParams }) {
  const [{ query, cursors }, setPlace] = useState(() => ({ query: queryOf(params), cursors: placeOf(params) }));
  const [columns, setColumns] = useState(chosenColumns);
  const [selected, setSelected] = useState(new Map());
  const loading = useLoad(() => load(query, cursors), [query, cursors]);
  const go = (next) => {
    const [cursor, from] = [next.cursors.at(-1), next.cursors.length - 1];
    setParams({ ...next.query, cursor, from: cursor && from }, { cursors: next.cursors });
    setPlace(next);
  };
  const search = (changed) => {
    setSelected(new Map());
    go({ query: { ...query, ...changed }, cursors: [null] });
  };
  const select = (keys, isOn) => {
    const next = new Map(selected);
    for (const key of keys) isOn ? next.set(key.id, key) : next.delete(key.id);
    setSelected(next);
  };
  const clear = () => setSelected(new Map());
  const choose = (chosen) => {
    localStorage.setItem('key-columns', chosen.join());
    setColumns(chosen);
  };
  const create = (props) => may('keys:write') && html`
    <${Button} kind="primary" picture="plus" ...${props} act=${() => newKey(loading.reload)}>${t('keys.create')}<//>
  `;
  const { standard_keys: used, key_limit: limit } = account();
  const lead = html`<span class="tabular">${t('keys.used', { used, limit })}</span>`;
  return html`
    <${Page} title=${t('nav.keys')} lead=${lead} actions=${create({ id: 'create' })}>
      <${DisabledNotice} />
      ${used >= limit && html`<${LimitNotice} limit=${limit} reload=${loading.reload} />`}
      <${KeySearch} query=${query} search=${search} fail=${(problem) => toast(explain(problem), { kind: 'bad' })}>
        <${ColumnChooser} columns=${columns} choose=${choose} />
        <${IconButton} label=${t('keys.csv')} picture="down_tray" act=${() => exportKeys(query)} />
      <//>
      ${selected.size > 0 && html`<${BulkBar} selected=${selected} clear=${clear} reload=${loading.reload} />`}
      <${Loaded} of=${loading} rows=${8}>${(page) => html`
        <${Found} page=${page} query=${query} search=${search} columns=${columns} selected=${selected}
          select=${select} reload=${loading.reload} create=${create} />
        <${Pager} page=${page} turn=${(to) => go({ query, cursors: to })} />
      `}<//>
    <//>
  `;
}

const places = () => ({ account: state.account, region: state.region });

/** The page that the last of `cursors` begins, and those cursors: until another page has come, this one is shown
 * and turned from. */
async function load(query, cursors) {
  const [page] = await Promise.all([
    get('/v1/keys', { ...query, cursor: cursors.at(-1), ...places(), limit: PAGE }), refreshAccount(),
  ]);
  return { ...page, cursors };
}

/** Every key that the filters let through, as a file for a spreadsheet. */
async function exportKeys(query) {
  const names = [
    'id', 'name', 'description', 'masked', 'status', 'account', 'region', 'origin', 'scope', 'ip_allowlist', 'labels',
    'creator', 'created_at', 'last_used_at', 'expires_at',
  ];
  const keys = await getAll('/v1/keys', 'keys', { ...query, ...places() });
  saveCsv(`keys-${state.account}-${state.region}.csv`, names, keys.map((key) => names.map((name) => key[name])));
}

const ColumnChooser = ({ columns, choose }) => html`
  <${Popup} label=${t('keys.columns')} picture="columns">
    ${Object.entries(COLUMNS).map(([id, [name]]) => html`
      <${Checkbox} key=${id} label=${t(name)} checked=${columns.includes(id)}
        onChange=${() => choose(columns.includes(id) ? columns.filter((one) => one !== id) : [...columns, id])} />
    `)}
  <//>
`;

function Found({ page: { keys, total }, query, search, create, ...rest }) {
  const isSearch = Object.entries(query).some(([name, value]) => name !== 'sort' && value);
  if (!total && isSearch) {
    const clear = () => search(Object.fromEntries(FILTERS.map((name) => [name, undefined])));
    return html`
      <${Empty} picture="search" title=${t('keys.no_match')}>
        <p>${t('keys.no_match_hint')}</p><${Button} act=${clear}>${t('keys.clear_filters')}<//>
      <//>
    `;
  }
  if (!total) {
    return html`
      <${Empty} picture="key" title=${t('keys.none')}>
        <p>${t('keys.none_hint')}</p><${FirstSteps} gateway=${region().gateway} />${create()}
      <//>
    `;
  }
  return html`<${KeyTable} keys=${keys} query=${query} search=${search} ...${rest} />`;
}

/** What to do on an installation without keys, in order. */
const FirstSteps = ({ gateway }) => html`
  <ol class="steps">
    <li>${gateway ? html`${t('first.gateway')} <${Code}>${gateway}<//>` : t('first.no_gateway')}</li>
    <li>${t('first.create')}</li>
    <li>${t('first.call')}</li>
  </ol>
`;

/** Says that the account has all the keys it may have, and what to do. */
/** Says that no key here is served, if account or region are disabled. */
function DisabledNotice() {
  const off = [account(), region()].find((place) => place?.status === 'disabled');
  return off && html`<p class="notice" role="status">${t('places.disabled', { name: off.name ?? off.id })}</p>`;
}

function LimitNotice({ limit, reload }) {
  const ask = may('keys:write') && html`<${Button} kind="small" act=${() => askForMore(reload)}>${t('limit.ask')}<//>`;
  const raise = html`<a class="button small" href="#/accounts">${t('limit.raise')}</a>`;
  return html`
    <div class="notice" role="status">
      <p><b>${t('limit.reached', { limit })}</b> ${t('limit.reached_hint')}</p>
      ${isOperator() ? raise : ask}
    </div>
  `;
}

function Pager({ page: { keys, total, next_cursor: next, cursors }, turn }) {
  if (!total) return null;
  const from = (cursors.length - 1) * PAGE;
  const back = cursors.slice(0, -1);
  const go = (to) => {
    turn(to);
    scrollTo(0, 0);
  };
  // Where the way here is not known, since the address came from elsewhere, the way back leads to the start.
  const before = back.length > 1 && back.at(-1) === null ? [null] : back;
  return html`
    <nav class="pager" aria-label=${t('pager.name')}>
      <p class="tabular" role="status">${t('pager.where', { from: from + 1, to: from + keys.length, total })}</p>
      <${IconButton} label=${t('pager.back')} picture="left" disabled=${!back.length} act=${() => go(before)} />
      <${IconButton} label=${t('pager.on')} picture="right" disabled=${!next} act=${() => go([...cursors, next])} />
    </nav>
  `;
}
