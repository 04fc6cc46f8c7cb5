// @ts-check
// Keys as rows: which columns there are, and which of them are shown.

import { html } from '../base.js';
import { may } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { Menu } from '../parts/menu.js';
import { ScopeWords } from '../parts/scope.js';
import { Badge, Chips, Code, Relative, Stamp } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { deleteKey, editKey, resetKey, rotateKey } from './key-acts.js';
import { Expiry, MaskedValue, StatusSwitch } from './key-parts.js';

/** What can be sorted by, and whether backwards comes first. */
export const SORTS = { name: false, created_at: true, last_used_at: true };

/** Columns that can be left out, in their order: the key of their name, and what they show. */
export const COLUMNS = {
  id: ['key.id', (key) => html`<${Code}>${key.id}<//>`],
  masked: ['field.value', (key) => html`<${MaskedValue} of=${key} />`],
  status: ['keys.status', (key, reload) => html`<${StatusSwitch} of=${key} reload=${reload} />`],
  scope: ['field.scope', (key) => html`<${ScopeWords} scope=${key.scope} />`],
  addresses: ['field.addresses', (key) => html`<${Some} of=${key.ip_allowlist} none=${t('key.from_anywhere')} />`],
  labels: ['keys.labels', (key) => html`<${Some} of=${Object.entries(key.labels).map((pair) => pair.join('='))} />`],
  creator: ['keys.creator', (key) => html`<bdi>${key.creator}</bdi>`],
  created_at: ['keys.created', (key) => html`<${Stamp} at=${key.created_at} />`],
  last_used_at: ['keys.last_used', (key) => html`<${Relative} at=${key.last_used_at} />`],
  expires_at: ['field.expiry', (key) => html`<${Expiry} at=${key.expires_at} />`],
};

const FIRST_SHOWN = ['masked', 'status', 'scope', 'created_at', 'last_used_at', 'expires_at'];
const NARROW = new Set(['id', 'masked', 'status', 'created_at', 'last_used_at', 'expires_at']);

/** Columns that fit beside the name. */
const COLUMNS_MAX = 6;

/** The columns that the reader has chosen, in this browser. */
export function chosenColumns() {
  const kept = localStorage.getItem('key-columns');
  return kept === null ? FIRST_SHOWN : kept.split(',').filter((id) => id in COLUMNS);
}

/** The first few of a list, and how many there are besides. */
function Some({ of: list, none = '–' }) {
  if (!list.length) return html`<span class="muted">${none}</span>`;
  const [shown, more] = [list.slice(0, 2), list.length - 2];
  return html`<${Chips} names=${more > 0 ? [...shown, t('keys.more_entries', { n: more })] : shown} />`;
}

/** The table; `selected` is a map of the keys that are chosen, by id, and `select(keys, isOn)` changes it. */
export function KeyTable({ keys, columns: chosen, query, search, selected, select, reload }) {
  const sort = (by) => {
    const [isUp, isDown] = [query.sort === by, query.sort === `-${by}`];
    const next = isDown ? by : isUp || SORTS[by] ? `-${by}` : by;
    const direction = isUp ? 'ascending' : isDown ? 'descending' : null;
    return { direction, act: () => search({ sort: next }) };
  };
  const head = (id) => ({
    name: t(COLUMNS[id][0]), class: NARROW.has(id) ? 'fit' : '', sort: id in SORTS ? sort(id) : null,
  });
  const shown = Object.keys(COLUMNS).filter((id) => chosen.includes(id));
  const isAll = keys.every(({ id }) => selected.has(id));
  const all = html`
    <input type="checkbox" aria-label=${t('keys.select_all')} checked=${isAll}
      onChange=${() => select(keys, !isAll)} />
  `;
  const mayWrite = may('keys:write');
  const columns = [
    mayWrite && { name: t('keys.select_one'), class: 'check-cell', head: all },
    { name: t('field.name'), class: 'name-cell', sort: sort('name') },
    ...shown.map(head),
    actionColumn(),
  ].filter(Boolean);
  const row = (key) => ({
    key: key.id,
    class: selected.has(key.id) ? 'selected' : null,
    cells: [
      mayWrite && html`<${Chosen} of=${key} isOn=${selected.has(key.id)} select=${select} />`,
      html`<${Name} of=${key} />`,
      ...shown.map((id) => COLUMNS[id][1](key, reload)),
      mayWrite && html`<${Acts} of=${key} reload=${reload} />`,
    ].slice(mayWrite ? 0 : 1),
  });
  const kind = shown.length > COLUMNS_MAX ? 'many' : '';
  return html`<${Table} label=${t('nav.keys')} kind=${kind} columns=${columns} rows=${keys.map(row)} />`;
}

/** The box of a row; two keys of one name are told apart by their values. */
const Chosen = ({ of: key, isOn, select }) => html`
  <input type="checkbox" checked=${isOn} aria-label=${t('keys.select', { name: key.name, masked: key.masked })}
    onChange=${() => select([key], !isOn)} />
`;

const Name = ({ of: key }) => html`
  <div class="named">
    <a href="#/keys/${key.id}" class="key-name" title=${key.id}><bdi>${key.name}</bdi></a>
    ${key.description && html`<span class="about"><bdi>${key.description}</bdi></span>`}
    ${key.successor && html`<${Badge} kind="warn">${t('keys.rotating')}<//>`}
  </div>
`;

function Acts({ of: key, reload }) {
  const isStandard = key.origin === 'standard';
  const renew = isStandard ? rotateKey : resetKey;
  const items = [
    [t(isStandard ? 'rotate.do' : 'reset.do'), () => renew(key, reload)],
    may('keys:delete') && [t('delete.do'), () => deleteKey(key, reload), 'danger'],
  ];
  return html`
    <div class="inline">
      <${Button} kind="small" aria-label=${t('keys.edit', { name: key.name })} act=${() => editKey(key.id, reload)}>
        ${t('edit')}
      <//>
      <${Menu} label=${t('keys.more', { name: key.name })} items=${items} />
    </div>
  `;
}
