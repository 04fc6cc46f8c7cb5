// @ts-check
// The audit trail: who did what, when, from where, newest first.

import { html, useState } from '../base.js';
import { get, getAll, isOperator, state } from '../parts/api.js';
import { Button, IconButton } from '../parts/button.js';
import { saveCsv } from '../parts/csv.js';
import { Checkbox } from '../parts/form.js';
import { Icon } from '../parts/icon.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Code, Empty, Stamp } from '../parts/small.js';
import { Table } from '../parts/table.js';
import { pieces, t, tOr } from '../parts/text.js';

const PAGE = 50;

export function View({ params, setParams }) {
  const [asked, setAsked] = useState({ text: params.text ?? '', from: params.from ?? '', until: params.until ?? '',
    everywhere: Boolean(params.everywhere) });
  const [cursors, setCursors] = useState(/** @type {any[]} */ ([null]));
  const [shown, setShown] = useState(/** @type {any[]} */ ([]));
  const loading = useLoad(async () => {
    const cursor = cursors.at(-1);
    const page = await get('/v1/audit', { ...queryOf(asked), limit: PAGE, cursor });
    const entries = cursor ? [...shown, ...page.entries] : page.entries;
    setShown(entries);
    return { entries, next: page.next_cursor };
  }, [asked, cursors]);
  const change = (changed) => {
    const next = { ...asked, ...changed };
    setAsked(next);
    setCursors([null]);
    setParams(next);
  };
  return html`
    <${Page} title=${t('nav.audit')} lead=${t('audit.lead')}>
      <${Filters} asked=${asked} change=${change} />
      <${Loaded} of=${loading} rows=${8}>${({ entries, next }) => html`
        <${Entries} entries=${entries} />
        ${next && html`
          <div class="pager"><${Button} act=${() => setCursors([...cursors, next])}>${t('audit.more')}<//></div>
        `}
      `}<//>
    <//>
  `;
}

function Filters({ asked, change }) {
  const day = (name) => html`
    <label class="place">${t(`audit.${name}`)}
      <input type="date" value=${asked[name]} onChange=${(event) => change({ [name]: event.target.value })} />
    </label>
  `;
  return html`
    <div class="filters" role="search">
      <div class="search">
        <${Icon} name="search" />
        <input type="search" placeholder=${t('audit.search')} aria-label=${t('audit.search')} autocomplete="off"
          spellcheck=${false} value=${asked.text} onChange=${(event) => change({ text: event.target.value.trim() })} />
      </div>
      ${day('from')}${day('until')}
      ${isOperator() && html`
        <${Checkbox} label=${t('audit.everywhere')} checked=${asked.everywhere}
          onChange=${(event) => change({ everywhere: event.target.checked })} />
      `}
      <${IconButton} label=${t('keys.csv')} picture="down_tray" act=${() => exportEntries(asked)} />
    </div>
  `;
}

function queryOf({ text, from, until, everywhere }) {
  const begin = (day, later) => day && new Date(new Date(`${day}T00:00`).getTime() + later).toISOString();
  return {
    account: everywhere ? undefined : state.account, [meaning(text)]: text, from: begin(from, 0),
    until: begin(until, 24 * 3600e3),
  };
}

/** What somebody who types this looks for: `user:anna`, `key.deleted`, or an id. */
function meaning(text) {
  if (text.includes(':')) return 'actor';
  return /^[a-z_]+\.[a-z_]+$/.test(text) ? 'action' : 'target';
}

async function exportEntries(asked) {
  const names = ['seq', 'at', 'action', 'actor', 'target', 'account', 'address', 'detail'];
  const entries = await getAll('/v1/audit', 'entries', queryOf(asked));
  saveCsv('audit.csv', names, entries.map((entry) => names.map((name) => entry[name])));
}

function Entries({ entries }) {
  if (!entries.length) {
    return html`<${Empty} picture="list" title=${t('keys.no_match')}><p>${t('audit.none_hint')}</p><//>`;
  }
  const columns = [
    { name: t('audit.time'), class: 'fit' }, t('audit.what'), { name: t('audit.address'), class: 'fit' },
    t('audit.detail'),
  ];
  return html`<${Table} label=${t('nav.audit')} columns=${columns} rows=${entries.map(row)} />`;
}

const row = (entry) => ({
  key: entry.seq,
  cells: [
    html`<${Stamp} at=${entry.at} />`,
    html`<${Sentence} of=${entry} />`,
    entry.address && html`<${Code}>${entry.address}<//>`,
    html`<${Detail} of=${Object.entries(entry.detail ?? {})} />`,
  ],
});

/** Who did what to what, in a sentence; below it the words by which it can be looked for. */
function Sentence({ of: { action, actor, target, detail } }) {
  const name = detail?.name ?? target;
  const values = { actor: html`<b><bdi>${actor}</bdi></b>`, target: html`<bdi>${name}</bdi>` };
  const said = tOr(`act.${action.replace('.', '_')}`) ? pieces(`act.${action.replace('.', '_')}`, values) : action;
  return html`
    <div class="named">
      <span>${said}</span>
      <span class="about">
        <${Code}>${action}<//>${' '}${target && html`<${Target} target=${target} action=${action} />`}
      </span>
    </div>
  `;
}

function Target({ target, action }) {
  const id = html`<${Code}>${target}<//>`;
  return target.startsWith('ak-') && action !== 'key.deleted' ? html`<a href="#/keys/${target}">${id}</a>` : id;
}

function Detail({ of: pairs }) {
  const text = (value) => (typeof value === 'object' ? JSON.stringify(value) : value);
  const said = pairs.map(([name, value]) => `${name}: ${text(value)}`);
  return said.length > 0 && html`
    <details class="detail">
      <summary><bdi>${said.join(', ').slice(0, 60)}</bdi></summary>
      <pre dir="auto">${said.join('\n')}</pre>
    </details>
  `;
}
