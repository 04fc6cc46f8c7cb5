// @ts-check
// The limits of a key or an account as a form has them: a row for each, what is seldom changed behind a word.

import { html } from '../base.js';
import { Button, IconButton } from '../parts/button.js';
import { Group, Select } from '../parts/form.js';
import { t } from '../parts/text.js';

const UNITS = ['tokens', 'requests'];
const WINDOWS = ['minute', 'day', 'month', 'lifetime'];
const LIMITS_MAX = UNITS.length * WINDOWS.length;

/** Members beside unit, window and amount, in the order of the API; each: for which limits it means something. */
const MEMBERS = {
  start_day: ({ window }) => window === 'month',
  utc_offset: ({ window }) => window === 'day' || window === 'month',
  expected: ({ unit }) => unit === 'tokens',
  unmetered: ({ unit }) => unit === 'tokens',
  when_apart: ({ window }) => window !== 'minute',
};
const DEFAULTS = { start_day: '1', utc_offset: '+00:00', expected: '1000', unmetered: 'refuse', when_apart: 'serve' };
const NUMBERS = ['start_day', 'expected'];

const pairs = (make) => Object.fromEntries(Object.keys(MEMBERS).map((name) => [name, make(name)]));

/** Limits as a form has them: texts. */
export const limitValues = (limits) => limits.map((limit) => ({
  ...DEFAULTS, ...limit, ...pairs((name) => String(limit[name] ?? DEFAULTS[name])), amount: String(limit.amount),
}));

/** The limits that a form says, as the API writes them. */
export const limitsOf = (rows) => rows.map((row) => {
  const told = Object.keys(MEMBERS).filter((name) => MEMBERS[name](row));
  const value = (name) => (NUMBERS.includes(name) ? Number(row[name]) : row[name]);
  const more = Object.fromEntries(told.map((name) => [name, value(name)]));
  return { unit: row.unit, window: row.window, amount: Number(row.amount), ...more };
});

/** `tokens a month` */
export const limitName = ({ unit, window }) => t(`use.${unit}_${window}`);

const isTaken = (rows, unit, window) => rows.some((row) => row.unit === unit && row.window === window);

/** A limit that there is not yet: there can be one for each unit and window. */
function nextLimit(rows) {
  const all = ['month', 'day', 'minute', 'lifetime'].flatMap((window) => UNITS.map((unit) => ({ unit, window })));
  return { ...all.find(({ unit, window }) => !isTaken(rows, unit, window)), amount: '', ...DEFAULTS };
}

/** The field of all limits. */
export function LimitsField({ form, hint = t('use.hint') }) {
  const rows = form.values.limits;
  const put = (next) => form.set('limits', next);
  const change = (at, changed) => put(rows.map((row, index) => (index === at ? { ...row, ...changed } : row)));
  const remove = (at) => put(rows.filter((_, index) => index !== at));
  return html`
    <${Group} form=${form} name="limits" label=${t('use.title')}>
      <p class="hint">${hint}</p>
      ${rows.map((row, at) => html`
        <${Row} key=${at} row=${row} n=${at + 1} change=${(changed) => change(at, changed)}
          remove=${() => remove(at)} />
      `)}
      ${rows.length < LIMITS_MAX && html`
        <${Button} kind="small" picture="plus" act=${() => put([...rows, nextLimit(rows)])}>${t('use.add')}<//>
      `}
    <//>
  `;
}

function Row({ row, n, change, remove }) {
  const named = (text) => `${text} (${n})`;
  const pick = (name, ids, label) => html`
    <${Select} aria-label=${named(label)} value=${row[name]} options=${ids.map((id) => [id, t(`use.${id}`)])}
      onChange=${(event) => change({ [name]: event.target.value })} />
  `;
  const type = (name, props) => html`
    <input aria-label=${named(t(`use.${name}`))} ...${props} value=${row[name]} required
      onInput=${(event) => change({ [name]: event.target.value })} />
  `;
  const members = {
    start_day: () => type('start_day', { type: 'number', min: '1', max: '31' }),
    utc_offset: () => type('utc_offset', { pattern: '[+\\-][0-9]{2}:[0-9]{2}', size: '6' }),
    expected: () => type('expected', { type: 'number', min: '0', max: '1000000' }),
    unmetered: () => pick('unmetered', ['refuse', 'charge'], t('use.unmetered')),
    when_apart: () => pick('when_apart', ['serve', 'refuse'], t('use.when_apart')),
  };
  const told = Object.keys(MEMBERS).filter((name) => MEMBERS[name](row));
  return html`
    <div class="limit-row">
      <div class="limit-line">
        ${type('amount', { type: 'number', min: '1', max: '10000000000000', placeholder: t('use.amount') })}
        ${pick('unit', UNITS, t('use.unit'))}${pick('window', WINDOWS, t('use.window'))}
        <${IconButton} label=${named(t('remove'))} picture="cross" act=${remove} />
      </div>
      ${told.length > 0 && html`
        <details>
          <summary>${t('use.more')}</summary>
          <div class="limit-members">
            ${told.map((name) => html`
              <label key=${name}><span>${t(`use.${name}`)}</span>${members[name]()}</label>
            `)}
          </div>
        </details>
      `}
    </div>
  `;
}
