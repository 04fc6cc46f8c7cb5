// @ts-check
// Recommendations, by what was noticed: which keys to narrow, renew or remove, why, and the click that does it.

import { html, useState } from '../base.js';
import { call, getAll, may, state } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { confirm, open } from '../parts/dialog.js';
import { Icon } from '../parts/icon.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Badge, Chips, Code, Empty } from '../parts/small.js';
import { number, pieces, t, tOr } from '../parts/text.js';
import { tell } from '../parts/toast.js';
import { deleteKey, resetKey, rotateKey, setStatus } from './key-acts.js';
import { Bulk } from './key-bulk.js';

/** Cards of a kind that are drawn at first. */
const SHOWN_MAX = 10;

const SNOOZE_MS = 30 * 86400e3;

export function View() {
  const loading = useLoad(() => getAll('/v1/recommendations', 'recommendations', { account: state.account }), []);
  const [snoozed, setSnoozed] = useState(snoozes);
  const snooze = (one) => setSnoozed(keepSnooze(one));
  return html`
    <${Page} title=${t('nav.advice')} lead=${t('advice.lead')}>
      <${Loaded} of=${loading}>${(all) => html`
        <${Groups} all=${all.filter((one) => !(idOf(one) in snoozed))} reload=${loading.reload} snooze=${snooze} />
      `}<//>
    <//>
  `;
}

const idOf = ({ key_id: key, kind }) => `${key} ${kind}`;

/** What this browser is not to show for a while: until when, by key and kind. */
function snoozes() {
  const kept = JSON.parse(localStorage.getItem('snoozed') ?? '{}');
  return Object.fromEntries(Object.entries(kept).filter(([, until]) => until > Date.now()));
}

function keepSnooze(one) {
  const next = { ...snoozes(), [idOf(one)]: Date.now() + SNOOZE_MS };
  localStorage.setItem('snoozed', JSON.stringify(next));
  return next;
}

function Groups({ all, reload, snooze }) {
  if (!all.length) {
    return html`<${Empty} picture="check" title=${t('advice.none')}><p>${t('advice.none_hint')}</p><//>`;
  }
  const groups = Object.entries(Object.groupBy(all, ({ kind }) => kind));
  return groups.map(([kind, ones]) => html`
    <${Group} key=${kind} kind=${kind} all=${ones} reload=${reload} snooze=${snooze} />
  `);
}

function Group({ kind, all, reload, snooze }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? all : all.slice(0, SHOWN_MAX);
  const patches = all.filter(({ fix }) => fix.method === 'PATCH');
  const fixAll = () => open(Bulk, { what: FOLLOW, keys: patches.map(asKey), reload });
  return html`
    <section class="advice-group">
      <header class="group-head">
        <h2>${tOr(`advice.group_${kind}`, kind)} <${Badge}>${number(all.length)}<//></h2>
        ${patches.length > 1 && may('keys:write') && html`
          <${Button} kind="small" act=${fixAll}>${t('advice.fix_all', { n: patches.length })}<//>
        `}
      </header>
      <ul class="advice">
        ${shown.map((one) => html`<${Item} key=${one.key_id} of=${one} reload=${reload} snooze=${snooze} />`)}
      </ul>
      ${shown.length < all.length && html`
        <${Button} kind="link" act=${() => setWhole(true)}>${t('advice.show_all', { n: all.length })}<//>
      `}
    </section>
  `;
}

const asKey = (one) => ({ id: one.key_id, name: one.key_name, masked: one.masked, fix: one.fix });

/** Many pieces of advice that are edits, followed at once. */
const FOLLOW = {
  title: 'advice.fix_all_title', label: 'advice.apply', initial: {},
  fields: () => html`<p>${t('advice.fix_all_why')}</p>`,
  each: () => ({ fix: { path, body } }) => call('PATCH', path, { body }),
};

function Item({ of: one, reload, snooze }) {
  const kind = fixKind(one.fix);
  const why = tOr(`advice.${one.kind}`) ? t(`advice.${one.kind}`, one.numbers) : one.reason;
  const label = t(`advice.fix_${kind}`);
  const fix = async () => FIXES[kind](await call('GET', `/v1/keys/${one.key_id}`), reload, one.fix);
  return html`
    <li class="card advice-item">
      <${Icon} name="bulb" />
      <div>
        <p><a href="#/keys/${one.key_id}"><b><bdi>${one.key_name}</bdi></b></a> <${Code}>${one.masked}<//></p>
        <p class="about">${why}</p>
      </div>
      <div class="inline">
        ${may(kind === 'delete' ? 'keys:delete' : 'keys:write') && html`
          <${Button} kind="small" aria-label="${label}: ${one.key_name}" act=${fix}>${label}<//>
        `}
        <${Button} kind="small quiet" aria-label="${t('advice.snooze')}: ${one.key_name}" act=${() => snooze(one)}>
          ${t('advice.snooze')}
        <//>
      </div>
    </li>
  `;
}

/** Which of our own acts the advised call is. */
function fixKind({ method, path, body }) {
  if (method === 'DELETE') return 'delete';
  return path.match(/\/(rotate|reset)$/)?.[1] ?? (body.status ? 'disable' : 'narrow');
}

const FIXES = {
  delete: ({ data }, reload) => deleteKey(data, reload),
  rotate: ({ data }, reload) => rotateKey(data, reload),
  reset: ({ data }, reload) => resetKey(data, reload),
  disable: ({ data }, reload) => setStatus(data, 'disabled', reload),
  narrow,
};

/** Makes the advised change, after showing it; it can be taken back. */
async function narrow({ data: key, etag }, reload, { path, body }) {
  const before = Object.fromEntries(Object.keys(body).map((name) => [name, key[name]]));
  const entries = body.ip_allowlist ?? Object.values(body.scope).flat();
  const name = html`<bdi>${key.name}</bdi>`;
  const what = pieces(body.scope ? 'advice.narrow_scope' : 'advice.narrow_addresses', { name });
  const undo = async () => {
    await call('PATCH', `/v1/keys/${key.id}`, { body: before, query: { allow_unlisted: true } });
    await reload();
  };
  const act = async () => {
    tell(t('edit.done', { name: key.name }), await call('PATCH', path, { body, etag }), 'in_force', undo);
    await reload();
  };
  const shown = [html`<p>${what}</p>`, html`<${Chips} names=${entries} />`];
  await confirm({ title: t('advice.fix_narrow'), body: shown, yes: t('advice.apply'), act });
}
