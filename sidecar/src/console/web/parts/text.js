// @ts-check
// Texts in the reader's language; numbers and times in the reader's manner and zone.

export const LANGUAGES = { en: 'English', zh: '中文' };

const texts = new Map();

export const language = () => document.documentElement.lang;

/** Loads the language that was chosen, else the browser's, else English: lines `key=text` below `[section]`s. */
export async function loadTexts() {
  const wanted = localStorage.getItem('language') ?? navigator.language.slice(0, 2);
  const name = wanted in LANGUAGES ? wanted : 'en';
  let section = '';
  for (const line of (await (await fetch(`console/lang/${name}.txt`)).text()).split('\n')) {
    const [key, text] = line.split(/=(.*)/s);
    if (line.startsWith('[')) section = `${line.slice(1, -1)}.`;
    else if (text) texts.set(section + key, text);
  }
  document.documentElement.lang = name;
}

/** A text; `{name}` in it becomes `values.name`. With `n` = 1, `key.one` if there is one. */
/** @param {Record<string, any>} values */
export function t(key, values = {}) {
  const text = (values.n === 1 && texts.get(`${key}.one`)) || tOr(key, key);
  const said = (value) => (typeof value === 'number' ? number(value) : String(value ?? ''));
  return text.replace(/\{(\w+)\}/g, (_, name) => said(values[name]));
}

/** A text if there is one, else `other`. */
export const tOr = (key, other) => texts.get(key) ?? other;

/** A text in pieces, so that elements can stand in for its `{name}`s. */
export function pieces(key, values) {
  const split = tOr(key, key).split(/\{(\w+)\}/);
  return split.map((piece, index) => (index % 2 ? values[piece] : piece));
}

export const number = (value, options) => new Intl.NumberFormat(language(), options).format(value);

/** A duration in milliseconds: `4 ms`, `1.2 s`. */
export function millis(ms) {
  if (ms < 1000) return `${number(Math.max(1, Math.round(ms)))} ms`;
  return `${number(ms / 1000, { maximumFractionDigits: 1 })} s`;
}

const manner = (options) => (at) => new Intl.DateTimeFormat(language(), options).format(new Date(at));

export const date = manner({ dateStyle: 'medium' });
export const dateTime = manner({ dateStyle: 'medium', timeStyle: 'short' });
/** To the second, with the zone. */
export const exactTime = manner({ dateStyle: 'full', timeStyle: 'long' });
export const clockTime = manner({ hour: '2-digit', minute: '2-digit' });
export const dayOnly = manner({ month: 'short', day: 'numeric' });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [['year', 31536e3], ['month', 2592e3], ['day', 86400], ['hour', 3600], ['minute', 60]];

/** `3 days ago`, `in 2 hours`. */
export function ago(at) {
  const seconds = (Number(new Date(at)) - Date.now()) / 1000;
  const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  const relative = new Intl.RelativeTimeFormat(language(), { numeric: 'auto' });
  return step ? relative.format(Math.round(seconds / step[1]), step[0]) : t('time.now');
}
