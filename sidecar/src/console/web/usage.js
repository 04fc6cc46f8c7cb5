// What keys were used for: over time, by key, by model or service, and why requests were refused.

import { get, state } from './api.js';
import { select } from './form.js';
import { h, newId, s, words } from './h.js';
import { clockTime, dateTime, dayOnly, number, t, tOr } from './text.js';
import { badge, empty, fill, page, table } from './ui.js';

/** Spans to choose from: how wide a point is, in seconds, and how many there are. */
const SPANS = { hour: ['minute', 60, 60], day: ['hour', 3600, 24], week: ['hour', 3600, 168], month: ['day', 86400, 30] };

export const view = () => page(t('nav.usage'), {}, usagePanel('/v1/usage', () => ({ account: state.account })));

/** A panel with the usage that a call tells. */
export function usagePanel(path, query = () => ({})) {
  const body = h('div', { class: 'usage' });
  const span = select(Object.keys(SPANS).map((id) => [id, t(`usage.span_${id}`)]), 'day', { 'aria-label': t('usage.span') });
  const load = () => fill(body, async () => {
    const [period, seconds, count] = SPANS[span.value];
    const from = new Date(Math.floor(Date.now() / 1000 / seconds - count + 1) * seconds * 1000).toISOString();
    return draw(await get(path, { ...query(), period, from, limit: 20 }));
  });
  span.addEventListener('change', load);
  load();
  return h('div', { class: 'usage' }, h('div', { class: 'filters' }, span), body);
}

function draw({ total: { permitted, refused }, outcomes, resources, keys, series, period }) {
  if (!permitted && !refused) return empty('chart', t('usage.none'), t('usage.none_hint'));
  const tile = (name, value) => h('div', { class: 'tile' }, name, h('b', { class: 'tabular' }, value));
  const share = number(refused / (permitted + refused), { style: 'percent', maximumFractionDigits: 1 });
  const refusals = Object.entries(outcomes).filter(([outcome]) => outcome !== 'permitted');
  const nobody = (text) => h('span', { class: 'muted' }, text);
  const key = ({ id, name }) => (name === null ? nobody(t('usage.deleted', { id })) : h('a', { href: `#/keys/${id}` }, words(name)));
  return [
    h('div', { class: 'tiles' }, tile(t('usage.permitted'), number(permitted)), tile(t('usage.refused'), number(refused)), tile(t('usage.refused_share'), share)),
    chart(series, period),
    refusals.length > 0 && part('reasons', h('ul', { class: 'legend' }, refusals.map(([outcome, count]) => h('li', null, badge(tOr(`outcome.${outcome}`, outcome)), number(count))))),
    keys && part('by_key', shares(t('field.name'), keys, key)),
    part('by_resource', shares(t('usage.resource'), resources, ({ resource }) => (resource ? words(resource) : nobody(t('usage.no_resource'))))),
  ];
}

const part = (name, content) => h('section', null, h('h3', null, t(`usage.${name}`)), content);

const countColumns = () => ['permitted', 'refused'].map((name) => ({ name: t(`usage.${name}`), class: 'num' }));

/** Shares of a whole, as bars in a table. */
function shares(label, rows, content) {
  const most = String(Math.max(...rows.map(({ permitted, refused }) => permitted + refused)));
  const line = (row) => [content(row), h('meter', { value: String(row.permitted + row.refused), max: most, 'aria-label': label }), number(row.permitted), number(row.refused)];
  return table(label, [label, { name: t('usage.share'), class: 'share' }, ...countColumns()], rows.map(line));
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 220, 44, 24, 8];

/** A chart of bars: let through below, refused above and hatched. The same numbers stand in a table. */
function chart(series, period) {
  const manner = period === 'day' ? dayOnly : clockTime;
  const most = niceAbove(Math.max(...series.map(({ permitted, refused }) => permitted + refused)));
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / most;
  const step = (WIDTH - LEFT) / series.length;
  const hatch = newId();
  const bar = ({ at, permitted, refused }, index) => {
    const x = LEFT + index * step;
    const rect = (from, to, props) => to > from && s('rect', { x: x + step * 0.14, width: step * 0.72, y: y(to), height: y(from) - y(to), rx: 1.5, ...props });
    const title = `${dateTime(at)}\n${t('usage.permitted')}: ${number(permitted)}\n${t('usage.refused')}: ${number(refused)}`;
    return s('g', { class: 'bar' }, s('title', null, title), s('rect', { class: 'bar-ground', x, width: step, y: TOP, height: HEIGHT - BOTTOM - TOP }), rect(0, permitted, { class: 'bar-permitted' }), rect(permitted, permitted + refused, { class: 'bar-refused', fill: `url(#${hatch})` }));
  };
  const line = (value) => s('g', { class: 'grid' }, s('line', { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value) }), Number.isInteger(value) && s('text', { x: LEFT - 8, y: y(value) + 4, 'text-anchor': 'end' }, number(value)));
  const tick = ({ at }, index) => index % Math.ceil(series.length / 6) === 0 && s('text', { x: LEFT + index * step, y: HEIGHT - 6 }, manner(at));
  const stripes = s('pattern', { id: hatch, width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' }, s('rect', { class: 'hatch-ground', width: 5, height: 5 }), s('rect', { class: 'hatch', width: 2.2, height: 5 }));
  const picture = s('svg', { class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': t('chart.name') }, stripes, [0, most / 2, most].map(line), series.map(bar), series.map(tick));
  const swatch = (kind) => h('li', null, h('span', { class: `swatch ${kind}` }), t(`usage.${kind}`));
  const rows = series.filter(({ permitted, refused }) => permitted + refused).map(({ at, permitted, refused }) => [dateTime(at), number(permitted), number(refused)]);
  const numbers = h('details', null, h('summary', null, t('chart.as_table')), table(t('chart.as_table'), [t('audit.time'), ...countColumns()], rows));
  return h('figure', { class: 'card' }, h('ul', { class: 'legend' }, swatch('permitted'), swatch('refused')), picture, numbers);
}

/** The next of 1, 2, 5, 10, 20, 50 ... */
function niceAbove(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((nice) => nice >= value);
}
