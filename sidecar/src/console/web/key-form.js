// The fields to make and to change a key.

import { addressField } from './addresses.js';
import { call, onceOnly, state } from './api.js';
import { area, checkbox, field, input, select, setFault } from './form.js';
import { h, words } from './h.js';
import { scopeField } from './picker.js';
import { dateTime, t } from './text.js';
import { code, facts } from './ui.js';

const DAY_MS = 86400e3;
const PRESETS = ['7', '30', '90', '365'];

/** The fields of a new key; `send()` makes it, or gives nothing if something has to be mended first. */
export function newFields() {
  const name = input({ required: true, maxlength: '128', name: 'key-name' });
  const once = onceOnly();
  const policy = policyFields({ description: '', ip_allowlist: [], scope: { models: 'all', services: 'all' }, expires_at: null }, state.region);
  const send = async () => {
    const body = { account: state.account, region: state.region, name: name.value, ...policy.value() };
    return policy.isSound() ? call('POST', '/v1/keys', { body, once, query: policy.query() }) : null;
  };
  return { fields: [field('name', t('field.name'), name, { hint: t('field.name_hint') }), ...policy.fields], send };
}

/** The fields of a key as it is; `send()` changes it, and gives the answer and how to take it back, or nothing
 * if there is nothing to change. */
export function editFields(key, etag) {
  const fixed = facts([[t('field.name'), words(key.name)], [t('field.value'), code(key.masked)], ['', h('span', { class: 'hint' }, t('edit.fixed_hint'))]]);
  const policy = policyFields(key, key.region);
  const send = async () => {
    const wanted = policy.value();
    const changed = Object.keys(wanted).filter((name) => JSON.stringify(wanted[name]) !== JSON.stringify(key[name]));
    if (!changed.length) return null;
    const only = (from) => Object.fromEntries(changed.map((name) => [name, from[name]]));
    const answer = await call('PATCH', `/v1/keys/${key.id}`, { body: only(wanted), etag, query: policy.query() });
    const undo = () => call('PATCH', `/v1/keys/${key.id}`, { body: only(key), etag: answer.etag, query: { allow_unlisted: true } });
    return { answer, undo };
  };
  return { fields: [fixed, ...policy.fields], isSound: policy.isSound, send };
}

/** The fields that may change at any time. */
function policyFields(key, region) {
  const text = area({ rows: '2', maxlength: '1024', value: key.description });
  const [scope, addresses, expiry] = [scopeField(key.scope, region), addressField(key.ip_allowlist), expiryField(key.expires_at)];
  const allow = checkbox(t('scope.allow_unlisted'));
  const unlisted = allow.querySelector('input');
  allow.hidden = true;
  scope.querySelector('.picker').append(allow);
  scope.addEventListener('input', () => { allow.hidden = !scope.isUnlisted(); });
  scope.itemFault = (index, detail, path) => {
    const name = scope.value()[path.split(/[.[]/)[1]]?.[index];
    setFault(scope, [scope.querySelector('.fault').textContent, `${name}: ${detail}`].filter(Boolean).join('\n'));
  };
  return {
    fields: [field('description', t('field.description'), text, { optional: true }), scope, addresses, expiry],
    value: () => ({ description: text.value, scope: scope.value(), ip_allowlist: addresses.value(), expires_at: expiry.value() }),
    query: () => ({ allow_unlisted: (unlisted.checked && scope.isUnlisted()) || null }),
    isSound: () => {
      const wrong = [[addresses, addresses.mend()], [expiry, t('expiry.past')]].filter(([node]) => !node.isSound());
      for (const [node, why] of wrong) setFault(node, why);
      wrong[0]?.[0].querySelector('textarea, select').focus();
      return !wrong.length;
    },
  };
}

function expiryField(at) {
  const kept = at ? [['kept', dateTime(at)]] : [];
  const presets = PRESETS.map((days) => [days, t(`expiry.${days}`)]);
  const pick = select([...kept, ['', t('expiry.never')], ...presets, ['own', t('expiry.own')]], at ? 'kept' : '');
  const own = input({ type: 'datetime-local', hidden: true, 'aria-label': t('expiry.own'), value: local(new Date(Date.now() + 30 * DAY_MS)) });
  const node = field('expires_at', t('field.expiry'), pick, { hint: t('field.expiry_hint'), optional: true });
  pick.after(own);
  pick.addEventListener('change', () => { own.hidden = pick.value !== 'own'; });
  node.value = () => {
    if (pick.value === 'kept') return at;
    if (pick.value === 'own') return own.value ? new Date(own.value).toISOString() : null;
    return pick.value ? new Date(Date.now() + pick.value * DAY_MS).toISOString() : null;
  };
  node.isSound = () => pick.value !== 'own' || new Date(own.value) > Date.now();
  return node;
}

/** A time as the browser's field wants it, in the viewer's zone. */
const local = (at) => new Date(at - at.getTimezoneOffset() * 60e3).toISOString().slice(0, 16);
