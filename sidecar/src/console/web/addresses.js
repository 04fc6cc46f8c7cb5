// The IP allowlist as lines: each is judged while it is typed, by the sidecar's own rules.

import { area, field } from './form.js';
import { h, icon, words } from './h.js';
import { t } from './text.js';
import { button } from './ui.js';

const ADDRESSES_MAX = 50;

/** A field of lines; `value()` gives the list, `isSound()` says whether all of it can be stored. */
export function addressField(list) {
  const text = area({ rows: '5', wrap: 'off', class: 'mono lines', value: list.join('\n') });
  const marks = h('div', { class: 'line-marks', 'aria-hidden': 'true' });
  const advice = h('ul', { class: 'line-faults' });
  const count = h('p', { class: 'hint tabular', role: 'status' });
  const node = field('ip_allowlist', t('field.addresses'), text, { hint: t('field.addresses_hint'), optional: true });
  const frame = h('div', { class: 'lines-frame' });
  text.replaceWith(frame);
  frame.append(marks, text);
  node.append(count, advice);
  let told = [];
  const lines = () => text.value.split('\n').map((line) => line.trim());
  const judged = () => judgeAll(lines()).map((one, at) => (told[at] ? { ...one, fault: told[at] } : one));
  const draw = () => {
    const all = judged();
    const used = node.value().length;
    marks.replaceChildren(...all.map((one) => h('span', { class: one.fault ? 'bad' : 'good' }, one.text && icon(one.fault ? 'cross' : 'check'))));
    marks.scrollTop = text.scrollTop;
    count.textContent = t('addresses.count', { used, max: ADDRESSES_MAX });
    count.classList.toggle('bad', used > ADDRESSES_MAX);
    advice.replaceChildren(...all.map((one, at) => one.fault && faultLine(one, at)).filter(Boolean));
  };
  const faultLine = ({ text: line, fault, fix }, at) =>
    h('li', null, h('b', null, t('addresses.line', { line: at + 1 })), ' ', words(line), ' ', fault, ' ', fix !== undefined && button(t(fix ? 'addresses.fix' : 'remove', { fix }), () => mend(at, fix), { kind: 'link' }));
  const mend = (at, fix) => {
    text.value = lines().flatMap((line, index) => (index !== at ? line : fix || [])).join('\n');
    text.dispatchEvent(new Event('input', { bubbles: true }));
    text.focus();
  };
  text.addEventListener('input', () => { told = []; draw(); });
  text.addEventListener('scroll', () => { marks.scrollTop = text.scrollTop; });
  node.itemFault = (index, detail) => {
    const used = [...lines().keys()].filter((at) => lines()[at]);
    told[used[index]] = detail;
    draw();
  };
  node.value = () => lines().filter(Boolean);
  node.isSound = () => judgeAll(lines()).every(({ fault }) => !fault) && node.value().length <= ADDRESSES_MAX;
  node.mend = () => {
    const over = node.value().length - ADDRESSES_MAX;
    return over > 0 ? t('addresses.many', { over, max: ADDRESSES_MAX }) : t('addresses.mend');
  };
  draw();
  return node;
}

/** Judges each line, and what stands twice: `{text, fault, fix}`. */
export function judgeAll(lines) {
  const seen = new Set();
  return lines.map((text) => {
    const one = { text, ...(text && judge(text)) };
    if (one.key && seen.has(one.key)) return { ...one, fault: t('addresses.twice'), fix: '' };
    seen.add(one.key);
    return one;
  });
}

/** Judges one address or network: `{key}`, its canonical form, if it is one; else `{fault}`, and `{fix}` if it
 * is plain what was meant. */
function judge(text) {
  const [host, length, more] = text.split('/');
  if (text.includes('%')) return { fault: t('addresses.zone'), ...meant(text.replace(/%[^/]*/, '')) };
  const parsed = parseV4(host) ?? parseV6(host);
  if (!parsed) return { fault: t(/^[\d.]*$/.test(host) && /(^|\.)0\d/.test(host) ? 'addresses.zeros' : 'addresses.none') };
  const { bits: most, value } = parsed;
  if (most === 128 && value >> 32n === 0xffffn) return { fault: t('addresses.mapped'), fix: textV4(value & 0xffffffffn) };
  if (/^0\d+$/.test(length)) return { fault: t('addresses.zeros'), ...meant(`${host}/${Number(length)}`) };
  const bits = Number(length ?? most);
  if (more !== undefined || !/^\d+$/.test(length ?? most) || bits > most) return { fault: t('addresses.length', { max: most }) };
  const free = BigInt(most - bits);
  const network = (value >> free) << free;
  const key = (most === 32 ? textV4(network) : textV6(network)) + (bits === most ? '' : `/${bits}`);
  return network === value ? { key } : { fault: t('addresses.bits'), fix: key };
}

/** What to write for something that is nearly sound. */
function meant(text) {
  const { key, fix } = judge(text);
  return { fix: key ?? fix };
}

const joined = (parts, width) => parts.reduce((sum, part) => (sum << width) | BigInt(part), 0n);

function parseV4(text) {
  const parts = text.split('.');
  const isPlain = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && part < 256);
  return isPlain ? { bits: 32, value: joined(parts, 8n) } : null;
}

/** The browser reads IPv6 where it stands in a URL. */
function parseV6(text) {
  const url = `http://[${text}]/`;
  if (!/^[\da-f:.]+$/i.test(text) || !URL.canParse(url)) return null;
  const [head, tail] = new URL(url).hostname.slice(1, -1).split('::').map((part) => part.split(':').filter(Boolean));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head;
  return { bits: 128, value: joined(groups.map((group) => `0x${group}`), 16n) };
}

const textV4 = (value) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
const textV6 = (value) => new URL(`http://[${value.toString(16).padStart(32, '0').match(/.{4}/g).join(':')}]/`).hostname.slice(1, -1);
