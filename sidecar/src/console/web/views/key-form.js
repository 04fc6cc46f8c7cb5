// @ts-check
// The fields that a key has while it is made and that may change at any time.

import { html } from '../base.js';
import { AddressField, addressFault, addressesOf } from '../parts/addresses.js';
import { AreaField, Field, Select, refusal } from '../parts/form.js';
import { ScopeField, isUnlisted } from '../parts/picker.js';
import { rangeOf, scopeOf } from '../parts/scope.js';
import { dateTime, t } from '../parts/text.js';
import { LimitsField, limitValues, limitsOf } from './limit-fields.js';

const DAY_MS = 86400e3;
const PRESETS = ['7', '30', '90', '365'];

/** What a new key has until something else is said. */
export const NEW_POLICY = {
  description: '', labels: {}, ip_allowlist: [], scope: { models: 'all', services: 'all' }, expires_at: null,
  limits: [],
};

/** A key's policy as the form has it. */
export const policyValues = (key) => ({
  description: key.description,
  scope: rangeOf(key.scope),
  allow: false,
  ip_allowlist: key.ip_allowlist.join('\n'),
  labels: Object.entries(key.labels).map((pair) => pair.join('=')).join('\n'),
  expiry: key.expires_at ? 'kept' : '',
  own: local(new Date(Date.now() + 30 * DAY_MS)),
  limits: limitValues(key.limits),
});

/** The policy that a form says, for a key that expires at `kept`; throws what has to be mended first. */
export function policyOf(values, kept) {
  const wrong = addressFault(values.ip_allowlist);
  if (wrong) throw refusal('ip_allowlist', wrong);
  return {
    description: values.description,
    scope: scopeOf(values.scope),
    ip_allowlist: addressesOf(values.ip_allowlist),
    labels: labelsOf(values.labels),
    expires_at: expiryOf(values, kept),
    limits: limitsOf(values.limits),
  };
}

/** The labels of lines `NAME=VALUE`. */
function labelsOf(text) {
  const lines = text.split('\n').map((line) => line.trim()).filter(Boolean);
  const wrong = lines.find((line) => !line.includes('='));
  if (wrong) throw refusal('labels', t('field.labels_wrong', { line: wrong }));
  const pair = (line, at = line.indexOf('=')) => [line.slice(0, at), line.slice(at + 1)];
  return Object.fromEntries(lines.map((line) => pair(line)));
}

/** Says whether names that the catalog does not have are meant. */
export const policyQuery = ({ scope, allow }, catalog) => ({
  allow_unlisted: (allow && isUnlisted(scope, catalog)) || null,
});

function expiryOf({ expiry, own }, kept) {
  if (expiry === 'kept') return kept;
  if (expiry !== 'own') return expiry ? new Date(Date.now() + Number(expiry) * DAY_MS).toISOString() : null;
  const at = new Date(own);
  if (!(at > new Date())) throw refusal('expires_at', t('expiry.past'));
  return at.toISOString();
}

/** The fields of a policy; `kept`: when the key expires by now. */
export const PolicyFields = ({ form, catalog, kept = null }) => html`
  <${AreaField} form=${form} name="description" label=${t('field.description')} optional rows="2" maxlength="1024" />
  <${AreaField} form=${form} name="labels" label=${t('keys.labels')} hint=${t('field.labels_hint')} optional rows="2"
    class="mono" />
  <${ScopeField} form=${form} catalog=${catalog} />
  <${AddressField} form=${form} />
  <${ExpiryField} form=${form} kept=${kept} />
  <${LimitsField} form=${form} />
`;

function ExpiryField({ form, kept }) {
  const { expiry, own } = form.values;
  const presets = PRESETS.map((days) => [days, t(`expiry.${days}`)]);
  const now = kept ? [['kept', dateTime(kept)]] : [];
  const options = [...now, ['', t('expiry.never')], ...presets, ['own', t('expiry.own')]];
  const change = (name) => (event) => form.set(name, event.target.value, 'expires_at');
  return html`
    <${Field} form=${form} name="expires_at" label=${t('field.expiry')} hint=${t('field.expiry_hint')} optional>
      ${(props) => html`
        <${Select} ...${props} options=${options} value=${expiry} onChange=${change('expiry')} />
        ${expiry === 'own' && html`
          <input type="datetime-local" aria-label=${t('expiry.own')} value=${own} onInput=${change('own')} />
        `}
      `}
    <//>
  `;
}

/** A time as the browser's field wants it, in the viewer's zone. */
const local = (at) => new Date(at - at.getTimezoneOffset() * 60e3).toISOString().slice(0, 16);
