// @ts-check
// A chart of bars over time: let through below, refused above and hatched. One point is read at a time, by
// pointer or arrow keys; the same numbers stand in a table.

import { html, useNewId, useState } from '../base.js';
import { step as moved } from './menu.js';
import { Table } from './table.js';
import { clockTime, dateTime, dayOnly, number, t } from './text.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 220, 44, 24, 8];
const TICKS = 6;
const WALKS = { ArrowRight: 'ArrowDown', ArrowLeft: 'ArrowUp' };

export function Chart({ series, period }) {
  const [hatch, readId] = [useNewId(), useNewId()];
  const [at, setAt] = useState(series.length - 1);
  const most = niceAbove(Math.max(1, ...series.map(({ permitted, refused }) => permitted + refused)));
  const scale = {
    step: (WIDTH - LEFT) / series.length,
    y: (value) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * value) / most,
    fill: `url(#${hatch})`,
  };
  const manner = period === 'day' ? dayOnly : clockTime;
  const onKey = (event) => {
    const walk = { key: WALKS[event.key] ?? event.key, preventDefault: () => event.preventDefault() };
    const to = moved(walk, at, series.length);
    if (to !== undefined) setAt(Math.max(0, Math.min(to, series.length - 1)));
  };
  const bar = (point, index) => html`
    <${Bar} key=${point.at} ...${point} index=${index} isRead=${index === at} scale=${scale}
      read=${() => setAt(index)} />
  `;
  return html`
    <figure class="card">
      <ul class="legend"><${Swatch} kind="permitted" /><${Swatch} kind="refused" /></ul>
      <svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="application" tabindex="0" aria-label=${t('chart.name')}
        aria-describedby=${readId} onKeyDown=${onKey}>
        <${Stripes} id=${hatch} />
        ${[0, most / 2, most].map((value) => html`<${Line} value=${value} y=${scale.y(value)} />`)}
        ${series.map(bar)}
        ${series.map(({ at: begin }, index) => index % Math.ceil(series.length / TICKS) === 0 && html`
          <text x=${LEFT + index * scale.step} y=${HEIGHT - 6}>${manner(begin)}</text>
        `)}
      </svg>
      <p id=${readId} class="hint tabular" role="status">${wordsOf(series[Math.min(at, series.length - 1)])}</p>
      <${Numbers} series=${series} />
    </figure>
  `;
}

function wordsOf({ at, permitted, refused }) {
  const counts = [`${t('usage.permitted')}: ${number(permitted)}`, `${t('usage.refused')}: ${number(refused)}`];
  return [dateTime(at), ...counts].join(' · ');
}

function Bar({ permitted, refused, index, isRead, scale: { step, y, fill }, read }) {
  const x = LEFT + index * step;
  const part = (from, to, kind, paint = null) => to > from && html`
    <rect class="bar-${kind}" x=${x + step * 0.14} width=${step * 0.72} y=${y(to)} height=${y(from) - y(to)} rx="1.5"
      fill=${paint} />
  `;
  return html`
    <g class=${isRead ? 'bar read' : 'bar'} onPointerEnter=${read}>
      <rect class="bar-ground" x=${x} width=${step} y=${TOP} height=${HEIGHT - BOTTOM - TOP} />
      ${part(0, permitted, 'permitted')}${part(permitted, permitted + refused, 'refused', fill)}
    </g>
  `;
}

const Line = ({ value, y }) => html`
  <g class="grid">
    <line x1=${LEFT} x2=${WIDTH} y1=${y} y2=${y} />
    ${Number.isInteger(value) && html`<text x=${LEFT - 8} y=${y + 4} text-anchor="end">${number(value)}</text>`}
  </g>
`;

const Stripes = ({ id }) => html`
  <pattern id=${id} width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <rect class="hatch-ground" width="5" height="5" /><rect class="hatch" width="2.2" height="5" />
  </pattern>
`;

const Swatch = ({ kind }) => html`<li><span class="swatch ${kind}"></span>${t(`usage.${kind}`)}</li>`;

function Numbers({ series }) {
  const counts = ['permitted', 'refused'].map((id) => ({ name: t(`usage.${id}`), class: 'num' }));
  const busy = series.filter(({ permitted, refused }) => permitted + refused);
  const row = ({ at, permitted, refused }) => ({ key: at, cells: [dateTime(at), number(permitted), number(refused)] });
  return html`
    <details>
      <summary>${t('chart.as_table')}</summary>
      <${Table} label=${t('chart.as_table')} columns=${[t('audit.time'), ...counts]} rows=${busy.map(row)} />
    </details>
  `;
}

/** The next of 1, 2, 5, 10, 20, 50 ... */
function niceAbove(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * unit).find((nice) => nice >= value) ?? value;
}
