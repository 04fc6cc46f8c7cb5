// Recommendations: which keys to narrow, renew or remove, why, and the one click that does it.

import { call, getAll, may, state } from './api.js';
import { confirm } from './form.js';
import { h, icon, words } from './h.js';
import { deleteKey, resetKey, rotateKey, setStatus } from './key-acts.js';
import { pieces, t, tOr } from './text.js';
import { button, chips, code, empty, listPage, tell } from './ui.js';

export const view = () => listPage(t('nav.advice'), {}, async (load) => {
  const all = await getAll('/v1/recommendations', 'recommendations', { account: state.account });
  if (!all.length) return empty('check', t('advice.none'), t('advice.none_hint'));
  return h('ul', { class: 'advice' }, all.map((one) => item(one, load)));
});

function item(one, load) {
  const kind = fixKind(one.fix);
  const why = tOr(`advice.${one.kind}`) ? t(`advice.${one.kind}`, one.numbers) : one.reason;
  const name = h('a', { href: `#/keys/${one.key_id}` }, words(one.key_name));
  const label = t(`advice.fix_${kind}`);
  const fix = may(kind === 'delete' ? 'keys:delete' : 'keys:write') && button(label, async () => FIXES[kind](await call('GET', `/v1/keys/${one.key_id}`), load, one.fix), { kind: 'small', 'aria-label': `${label}: ${one.key_name}` });
  return h('li', { class: 'card advice-item' }, icon('bulb'), h('div', null, h('p', null, h('b', null, name), ' ', code(one.masked)), h('p', { class: 'about' }, why)), fix);
}

/** Which of our own acts the advised call is. */
function fixKind({ method, path, body }) {
  if (method === 'DELETE') return 'delete';
  return path.match(/\/(rotate|reset)$/)?.[1] ?? (body.status ? 'disable' : 'narrow');
}

const FIXES = {
  delete: ({ data }, load) => deleteKey(data, load),
  rotate: ({ data }, load) => rotateKey(data, load),
  reset: ({ data }, load) => resetKey(data, load),
  disable: ({ data }, load) => setStatus(data, 'disabled', load),
  narrow,
};

/** Makes the advised change, after showing it; it can be taken back. */
async function narrow({ data: key, etag }, load, { path, body }) {
  const before = Object.fromEntries(Object.keys(body).map((name) => [name, key[name]]));
  const entries = body.ip_allowlist ?? Object.values(body.scope).flat();
  const what = h('p', null, pieces(body.scope ? 'advice.narrow_scope' : 'advice.narrow_addresses', { name: words(key.name) }));
  const undo = async () => { await call('PATCH', `/v1/keys/${key.id}`, { body: before, query: { allow_unlisted: true } }); await load(); };
  const act = async () => { tell(t('edit.done', { name: key.name }), await call('PATCH', path, { body, etag }), 'in_force', undo); await load(); };
  await confirm({ title: t('advice.fix_narrow'), body: [what, chips(entries)], yes: t('advice.apply'), act });
}
