// @ts-check
// What keys were used for: over time, by key, by model or service, and why requests were refused.

import { html, useState } from '../base.js';
import { get, isOperator, state } from '../parts/api.js';
import { Chart } from '../parts/chart.js';
import { Checkbox, Select } from '../parts/form.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Badge, Empty } from '../parts/small.js';
import { Table } from '../parts/table.js';
import { number, t, tOr } from '../parts/text.js';

/** Spans to choose from: how wide a point is, in seconds, and how many there are. */
const SPANS = {
  hour: ['minute', 60, 60], day: ['hour', 3600, 24], week: ['hour', 3600, 168], month: ['day', 86400, 30],
};

/** Of the chosen account, or for an operator of all. */
export function View() {
  const [isOfAll, setOfAll] = useState(false);
  const whose = isOperator() && html`
    <${Checkbox} label=${t('usage.all_accounts')} checked=${isOfAll} onChange=${() => setOfAll(!isOfAll)} />
  `;
  return html`
    <${Page} title=${t('nav.usage')} actions=${whose}>
      ${isOfAll
        ? html`<${UsagePanel} key="all" path="/v1/usage/accounts" heading="h2" />`
        : html`<${UsagePanel} key="one" path="/v1/usage" query=${{ account: state.account }} heading="h2" />`}
    <//>
  `;
}

/** A panel with the usage that a call tells; `heading`: how deep in the page its parts stand. */
export function UsagePanel({ path, query = {}, heading = 'h3' }) {
  const [span, setSpan] = useState('day');
  const loading = useLoad(() => load(path, query, SPANS[span]), [path, span]);
  const spans = Object.keys(SPANS).map((id) => [id, t(`usage.span_${id}`)]);
  return html`
    <div class="usage">
      <div class="filters">
        <${Select} aria-label=${t('usage.span')} options=${spans} value=${span}
          onChange=${(event) => setSpan(event.target.value)} />
      </div>
      <${Loaded} of=${loading} kind="usage">${(usage) => html`
        <${Usage} ...${usage} heading=${heading} />
      `}<//>
    </div>
  `;
}

/** The usage of a span, and the totals of the span before it. */
async function load(path, query, [period, seconds, count]) {
  const at = (points) => new Date(Math.floor(Date.now() / 1000 / seconds + points) * seconds * 1000).toISOString();
  const [usage, before] = await Promise.all([
    get(path, { ...query, period, from: at(1 - count), limit: 20 }),
    get(path, { ...query, period, from: at(1 - 2 * count), until: at(1 - count), limit: 1 }),
  ]);
  return { ...usage, before: before.total };
}

const percent = (share) => number(share, { style: 'percent', maximumFractionDigits: 1 });
const requestsOf = ({ permitted, refused }) => permitted + refused;

/** What was stated and what was worked out, together: what went in, what came out. */
const tokensOf = ({ tokens: { reported, estimated } }) => {
  const sum = (name) => reported[name] + estimated[name];
  return { all: sum('input') + sum('output'), estimated: estimated.input + estimated.output };
};

function Usage({ total, before, outcomes, resources, keys, accounts, series, period, heading }) {
  const all = requestsOf(total);
  if (!all) return html`<${Empty} picture="chart" title=${t('usage.none')}><p>${t('usage.none_hint')}</p><//>`;
  const tokens = tokensOf(total);
  const estimated = tokens.estimated > 0 && t('usage.estimated', { share: percent(tokens.estimated / tokens.all) });
  const part = (title, label, rows, content, id) => rows?.length > 0 && html`
    <${Part} heading=${heading} title=${t(title)}>
      <${Shares} label=${t(label)} all=${all} rows=${rows} content=${content} id=${id} />
    <//>
  `;
  const named = (...kinds) => resources.filter(({ kind }) => kinds.includes(kind));
  const refusals = Object.entries(outcomes).filter(([outcome]) => outcome !== 'permitted');
  return html`
    <div class="tiles">
      <${Tile} name="usage.permitted" now=${total.permitted} before=${before.permitted} />
      <${Tile} name="usage.refused" now=${total.refused} before=${before.refused} />
      <${Tile} name="usage.refused_share" shown=${percent(total.refused / all)} />
      <${Tile} name="usage.tokens" now=${tokens.all} before=${tokensOf(before).all} hint=${estimated} />
    </div>
    <${Chart} series=${series} period=${period} />
    ${refusals.length > 0 && html`
      <${Part} heading=${heading} title=${t('usage.reasons')}><${Reasons} of=${refusals} /><//>
    `}
    ${part('usage.by_account', 'account', accounts, accountOf, ({ id }) => id)}
    ${part('usage.by_key', 'field.name', keys, keyOf, ({ id }) => id)}
    ${part('usage.by_model', 'usage.model', named('model', null), resourceOf, ({ resource }) => resource)}
    ${part('usage.by_service', 'usage.service', named('service'), resourceOf, ({ resource }) => resource)}
  `;
}

/** A number, and how it stands to the one before. */
function Tile({ name, now = 0, before = 0, shown = number(now), hint = '' }) {
  const change = before > 0 && number((now - before) / before, {
    style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero',
  });
  return html`
    <div class="tile">
      ${t(name)}<b class="tabular">${shown}</b>
      ${change && html`<span class="hint">${t('usage.compared', { change })}</span>`}
      ${hint && html`<span class="hint">${hint}</span>`}
    </div>
  `;
}

const Part = ({ heading, title, children }) => html`<section><${heading}>${title}<//>${children}</section>`;

const Reasons = ({ of: refusals }) => html`
  <ul class="legend">
    ${refusals.map(([outcome, count]) => html`
      <li key=${outcome}><${Badge}>${tOr(`outcome.${outcome}`, outcome)}<//>${number(count)}</li>
    `)}
  </ul>
`;

const nobody = (text) => html`<span class="muted">${text}</span>`;

function keyOf({ id, name }) {
  if (name === null) return nobody(t('usage.deleted', { id }));
  return html`<a href="#/keys/${id}" title=${id}><bdi>${name}</bdi></a>`;
}

const accountOf = ({ id, name }) => html`<bdi title=${id}>${name ?? id}</bdi>`;

const resourceOf = ({ resource }) => (resource ? html`<bdi>${resource}</bdi>` : nobody(t('usage.no_resource')));

/** Shares of all requests, as bars in a table. */
function Shares({ label, all, rows, content, id }) {
  const columns = [
    label, { name: t('usage.share'), class: 'share' }, { name: t('usage.permitted'), class: 'num' },
    { name: t('usage.refused'), class: 'num' }, { name: t('usage.tokens'), class: 'num' },
  ];
  const line = (row) => {
    const count = requestsOf(row);
    const bar = html`
      <div class="meter-row"><meter value=${count} max=${all} aria-label=${label}></meter>${percent(count / all)}</div>
    `;
    const numbers = [row.permitted, row.refused, tokensOf(row).all].map((value) => number(value));
    return { key: id(row), cells: [content(row), bar, ...numbers] };
  };
  return html`<${Table} label=${label} columns=${columns} rows=${rows.map(line)} />`;
}
