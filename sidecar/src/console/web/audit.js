// The audit trail: who did what, when, from where, newest first.

import { get, isOperator, state } from './api.js';
import { checkbox, input } from './form.js';
import { h, icon, words } from './h.js';
import { dateTime, t } from './text.js';
import { button, code, empty, listPage, table, time } from './ui.js';

export function view() {
  let [cursor, entries] = [null, []];
  const search = input({ type: 'search', placeholder: t('audit.search'), 'aria-label': t('audit.search') });
  const everywhere = checkbox(t('audit.everywhere'));
  const filters = [h('div', { class: 'search' }, icon('search'), search), isOperator() && everywhere];
  for (const control of [search, everywhere]) control.addEventListener('change', () => { [cursor, entries] = [null, []]; node.reload(); });
  const node = listPage(t('nav.audit'), { lead: t('audit.lead'), filters, rows: 8 }, async (reload) => {
    const text = search.value.trim();
    const account = everywhere.querySelector('input').checked ? undefined : state.account;
    const answer = await get('/v1/audit', { account, [meaning(text)]: text, limit: 50, cursor });
    entries = [...entries, ...answer.entries];
    cursor = answer.next_cursor;
    if (!entries.length) return empty('list', t('keys.no_match'), t('audit.none_hint'));
    const columns = [{ name: t('audit.time'), class: 'fit' }, { name: t('audit.action'), class: 'fit' }, t('audit.actor'), t('audit.target'), { name: t('audit.address'), class: 'fit' }, t('audit.detail')];
    return [table(t('nav.audit'), columns, entries.map(row)), cursor && h('div', { class: 'pager' }, button(t('audit.more'), reload))];
  });
  return node;
}

/** What somebody who types this looks for: `user:anna`, `key.deleted`, or an id. */
const meaning = (text) => (text.includes(':') ? 'actor' : /^[a-z_]+\.[a-z_]+$/.test(text) ? 'action' : 'target');

function row({ at, action, actor, target, address, detail }) {
  const where = target && (target.startsWith('ak-') && action !== 'key.deleted' ? h('a', { href: `#/keys/${target}` }, code(target)) : code(target));
  const said = Object.entries(detail ?? {}).map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  const more = said.length > 0 && h('details', { class: 'detail' }, h('summary', null, words(said.join(', ').slice(0, 60))), h('pre', { dir: 'auto' }, said.join('\n')));
  return [time(at, dateTime), code(action), words(actor), where, address && code(address), more];
}
