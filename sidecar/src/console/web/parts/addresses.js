// @ts-check
// The IP allowlist as lines: each is judged while it is typed, by the sidecar's own rules.

import { html, useRef } from '../base.js';
import { Button } from './button.js';
import { Field, faultsOf } from './form.js';
import { Icon } from './icon.js';
import { t } from './text.js';

const ADDRESSES_MAX = 50;
const NAME = 'ip_allowlist';

const linesOf = (text) => text.split('\n').map((line) => line.trim());

/** The list that lines stand for. */
export const addressesOf = (text) => linesOf(text).filter(Boolean);

/** What has to be mended in lines before they can be stored; nothing if they are sound. */
export function addressFault(text) {
  const over = addressesOf(text).length - ADDRESSES_MAX;
  if (over > 0) return t('addresses.many', { over, max: ADDRESSES_MAX });
  return judgeAll(linesOf(text)).some(({ fault }) => fault) ? t('addresses.mend') : '';
}

/** A field of lines; what the sidecar says of one of them stands beside it. */
export function AddressField({ form }) {
  const marks = useRef(/** @type {HTMLElement | null} */ (null));
  const text = form.values[NAME];
  const faults = faultsOf(form, NAME);
  const judged = withTold(judgeAll(linesOf(text)), faults);
  const ofAll = faults.filter(({ field }) => field === NAME).map(({ detail }) => detail).join('\n');
  const used = addressesOf(text).length;
  const mend = (at, fix) => {
    const mended = linesOf(text).flatMap((line, index) => (index !== at ? line : fix || []));
    form.set(NAME, mended.join('\n'));
    form.node.current.querySelector('.lines').focus();
  };
  const props = { rows: '5', wrap: 'off', class: 'mono lines', spellcheck: false, value: text };
  const scroll = (event) => { if (marks.current) marks.current.scrollTop = event.target.scrollTop; };
  const control = (described) => html`
    <div class="lines-frame">
      <div class="line-marks" aria-hidden="true" ref=${marks}>${judged.map((one) => html`<${Mark} ...${one} />`)}</div>
      <textarea ...${described} ...${props} onInput=${(event) => form.set(NAME, event.target.value)}
        onScroll=${scroll} />
    </div>
    <p class="hint tabular ${used > ADDRESSES_MAX ? 'bad' : ''}" role="status">
      ${t('addresses.count', { used, max: ADDRESSES_MAX })}
    </p>
    <ul class="line-faults">
      ${judged.map((one, at) => one.fault && html`<${LineFault} ...${one} at=${at} mend=${mend} />`)}
    </ul>
  `;
  return html`
    <${Field} form=${form} name=${NAME} fault=${ofAll} label=${t('field.addresses')} optional
      hint=${t('field.addresses_hint')}>
      ${control}
    <//>
  `;
}

/** Puts what the sidecar says of the n-th entry beside the line where that stands. */
function withTold(judged, faults) {
  const used = [...judged.keys()].filter((at) => judged[at].text);
  for (const { field, detail } of faults) {
    const at = used[Number(field.match(/\[(\d+)\]/)?.[1])];
    if (at !== undefined) judged[at].fault = detail;
  }
  return judged;
}

const Mark = ({ text, fault }) => html`
  <span class=${fault ? 'bad' : 'good'}>${text && html`<${Icon} name=${fault ? 'cross' : 'check'} />`}</span>
`;

const LineFault = ({ text, fault, fix, at, mend }) => html`
  <li>
    <b>${t('addresses.line', { line: at + 1 })}</b> <bdi>${text}</bdi> ${fault}${' '}
    ${fix !== undefined && html`
      <${Button} kind="link" act=${() => mend(at, fix)}>${t(fix ? 'addresses.fix' : 'remove', { fix })}<//>
    `}
  </li>
`;

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
  const hasZeros = /^[\d.]*$/.test(host) && /(^|\.)0\d/.test(host);
  if (!parsed) return { fault: t(hasZeros ? 'addresses.zeros' : 'addresses.none') };
  const { bits: most, value } = parsed;
  if (most === 128 && value >> 32n === 0xffffn) {
    return { fault: t('addresses.mapped'), fix: textV4(value & 0xffffffffn) };
  }
  if (/^0\d+$/.test(length)) return { fault: t('addresses.zeros'), ...meant(`${host}/${Number(length)}`) };
  const bits = Number(length ?? most);
  const isLength = more === undefined && /^\d+$/.test(length ?? `${most}`) && bits <= most;
  if (!isLength) return { fault: t('addresses.length', { max: most }) };
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

/** Groups of so many bits, as one number. */
function joined(parts, width) {
  let sum = 0n;
  for (const part of parts) sum = (sum << width) | BigInt(part);
  return sum;
}

function parseV4(text) {
  const parts = text.split('.');
  const isPlain = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && part < 256);
  return isPlain ? { bits: 32, value: joined(parts, 8n) } : null;
}

/** The browser reads IPv6 where it stands in a URL. */
function parseV6(text) {
  const url = `http://[${text}]/`;
  if (!/^[\da-f:.]+$/i.test(text) || !URL.canParse(url)) return null;
  const halves = new URL(url).hostname.slice(1, -1).split('::');
  const [head, tail] = halves.map((part) => part.split(':').filter(Boolean));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head;
  return { bits: 128, value: joined(groups.map((group) => `0x${group}`), 16n) };
}

const textV4 = (value) => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
const textV6 = (value) => {
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g).join(':');
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
};
