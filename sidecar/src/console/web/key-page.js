// One key: everything about it, and what it was used for.

import { get, may } from './api.js';
import { h, words } from './h.js';
import { deleteKey, editKey, endGrace, resetKey, rotateKey } from './key-acts.js';
import { expiry, maskedValue, statusSwitch } from './keys.js';
import { t } from './text.js';
import { button, card, chips, code, facts, fill, moment, page, relative } from './ui.js';
import { usagePanel } from './usage.js';

export function view({ id }) {
  const node = h('div');
  const load = () => fill(node, async () => draw(await get(`/v1/keys/${id}`), load));
  load();
  return node;
}

function draw(key, load) {
  const leave = async () => { location.hash = '#/keys'; };
  const actions = may('keys:write') && [
    button(t('edit'), () => editKey(key.id, load), { kind: 'primary' }),
    key.origin === 'standard' ? button(t('rotate.do'), () => rotateKey(key, load)) : button(t('reset.do'), () => resetKey(key, load)),
    may('keys:delete') && button(t('delete.do'), () => deleteKey(key, leave), { kind: 'danger-plain' }),
  ];
  const head = { back: h('a', { href: '#/keys', class: 'back' }, t('nav.keys')), lead: words(key.description), actions };
  return page(words(key.name), head, h('div', { class: 'cards' }, about(key, load), policy(key), card(t('nav.usage'), usagePanel(`/v1/keys/${key.id}/usage`))));
}

function about(key, load) {
  const link = (id) => h('a', { href: `#/keys/${id}` }, code(id));
  const grace = key.successor && may('keys:write') && button(t('grace.end'), () => endGrace(key, load), { kind: 'small' });
  return card(t('key.about'), facts([
    [t('keys.status'), statusSwitch(key, load)],
    [t('field.value'), maskedValue(key)],
    [t('key.id'), code(key.id)],
    [t('region'), key.region],
    key.successor && [t('key.successor'), h('span', { class: 'inline' }, link(key.successor), grace)],
    key.predecessor && [t('key.predecessor'), link(key.predecessor)],
    [t('keys.created'), h('span', null, moment(key.created_at), ' · ', words(key.creator))],
    [t('key.value_set'), moment(key.value_set_at)],
    [t('keys.last_used'), relative(key.last_used_at)],
  ]));
}

function policy(key) {
  const names = (axis) => (axis === 'all' ? t('scope.all') : axis.length ? chips(axis) : t('scope.none'));
  const list = key.ip_allowlist.length ? chips(key.ip_allowlist, 'mono') : t('key.from_anywhere');
  return card(t('key.policy'), facts([[t('scope.models'), names(key.scope.models)], [t('scope.services'), names(key.scope.services)], [t('field.addresses'), list], [t('field.expiry'), expiry(key)]]));
}
