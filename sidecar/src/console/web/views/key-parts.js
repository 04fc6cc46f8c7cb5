// @ts-check
// What the list of keys and the page of one show alike.

import { html } from '../base.js';
import { may } from '../parts/api.js';
import { Button, IconButton } from '../parts/button.js';
import { Badge, Code, Time } from '../parts/small.js';
import { t } from '../parts/text.js';
import { copyValue, setStatus } from './key-acts.js';

/** A masked value with its one-click copy. */
export const MaskedValue = ({ of: key }) => html`
  <span class="inline">
    <${Code}>${key.masked}<//>
    ${may('keys:reveal') && key.recoverable && html`
      <${IconButton} label=${t('copy.of', { name: key.name })} picture="copy" act=${() => copyValue(key)} />
    `}
  </span>
`;

export function Expiry({ at }) {
  if (at && new Date(at) <= new Date()) return html`<${Badge} kind="bad">${t('keys.expired')}<//>`;
  return at ? html`<${Time} at=${at} />` : html`<span class="muted">${t('expiry.never')}</span>`;
}

/** The switch of a key's status; disabling says first what it does. */
export function StatusSwitch({ of: key, reload }) {
  const isOn = key.status === 'enabled';
  if (!may('keys:write')) return html`<${Badge} kind=${isOn ? 'good' : ''}>${t(key.status)}<//>`;
  return html`
    <span class="inline">
      <${Button} kind="switch" role="switch" aria-checked=${String(isOn)}
        aria-label=${t('keys.switch', { name: key.name })}
        act=${() => setStatus(key, isOn ? 'disabled' : 'enabled', reload)} />
      <span class=${isOn ? '' : 'muted'} aria-hidden="true">${t(key.status)}</span>
    </span>
  `;
}
