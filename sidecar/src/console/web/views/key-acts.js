// @ts-check
// What one does with a key: create, edit, switch, copy, rotate, reset, delete; each says what became of it.

import { html, useState } from '../base.js';
import { call, onceOnly, state } from '../parts/api.js';
import { Dialog, DoneButton, FormDialog, ask, confirm, open } from '../parts/dialog.js';
import { SelectField, TextField, refusal, useForm } from '../parts/form.js';
import { Icon } from '../parts/icon.js';
import { useCatalog } from '../parts/picker.js';
import { CLEAR_AFTER_S, clearClipboard, toClipboard } from '../parts/secret.js';
import { Code, Facts } from '../parts/small.js';
import { pieces, t } from '../parts/text.js';
import { propagated, tell, toast } from '../parts/toast.js';
import { NEW_POLICY, PolicyFields, policyOf, policyQuery, policyValues } from './key-form.js';
import { ProofFields, askProof, proofValues, prove } from './proof.js';
import { Stakes } from './stakes.js';
import { ValueDialog } from './value.js';

const GRACES = [0, 3600, 86400, 604800, 2592000];

/** Makes a key. */
export const newKey = (reload) => open(NewKey, { reload });

function NewKey({ reload, close }) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [once] = useState(onceOnly);
  const catalog = useCatalog(state.region);
  const form = useForm({ name: '', ...policyValues(NEW_POLICY) }, async (values) => {
    const body = { account: state.account, region: state.region, name: values.name, ...policyOf(values, null) };
    await meanEmptyRange(values);
    const answer = await call('POST', '/v1/keys', { body, once, query: policyQuery(values, catalog) });
    await reload();
    setMade(answer);
  });
  if (made) {
    const note = pieces('create.note', { name: html`<bdi>${made.data.name}</bdi>` });
    return html`<${ValueDialog} title=${t('create.done')} note=${note} answer=${made} close=${close} />`;
  }
  return html`
    <${FormDialog} form=${form} title=${t('create.title')} label=${t('keys.create')} wide guarded close=${close}>
      <${TextField} form=${form} name="name" as="key-name" label=${t('field.name')} hint=${t('field.name_hint')}
        required maxlength="128" />
      <${PolicyFields} form=${form} catalog=${catalog} />
    <//>
  `;
}

/** Changes a key. */
export async function editKey(id, reload) {
  const { data: key, etag } = await call('GET', `/v1/keys/${id}`);
  await open(EditKey, { shown: key, etag, reload });
}

function EditKey({ shown: key, etag, reload, close }) {
  const catalog = useCatalog(key.region);
  const form = useForm(policyValues(key), async (values) => {
    const wanted = policyOf(values, key.expires_at);
    await meanEmptyRange(values);
    const changed = await change(key, etag, wanted, policyQuery(values, catalog));
    const undo = async () => {
      await changed?.undo();
      await reload();
    };
    // A time that is over cannot be written again.
    const isOver = wanted.expires_at !== key.expires_at && key.expires_at && new Date(key.expires_at) <= new Date();
    const back = isOver ? undefined : undo;
    if (changed) tell(t('edit.done', { name: key.name }), changed.answer, 'in_force', back);
    await reload();
    close();
  });
  return html`
    <${FormDialog} form=${form} title=${t('edit.title')} label=${t('save')} wide guarded close=${close}>
      <${Facts} pairs=${[
        [t('field.name'), html`<bdi>${key.name}</bdi>`],
        [t('field.value'), html`<${Code}>${key.masked}<//>`],
        [t('key.id'), html`<${Code}>${key.id}<//>`],
        ['', html`<span class="hint">${t('edit.fixed_hint')}</span>`],
      ]} />
      <p class="hint">${t('edit.scope_void')}</p>
      <${PolicyFields} form=${form} catalog=${catalog} kept=${key.expires_at} />
    <//>
  `;
}

/** A range of nothing refuses everything: that is said a second time. */
async function meanEmptyRange({ scope: { isRange, entries } }) {
  if (!isRange || entries.length) return;
  const question = {
    title: t('scope.nothing_title'), body: t('scope.nothing'), yes: t('scope.nothing_yes'), kind: 'danger',
  };
  if (!(await confirm(question))) throw refusal('scope', t('scope.nothing'));
}

/** Sends what differs; gives the answer and how to take it back, or nothing if nothing differs. */
async function change(key, etag, wanted, query) {
  const differs = (name) => JSON.stringify(wanted[name]) !== JSON.stringify(key[name]);
  const changed = Object.keys(wanted).filter(differs);
  if (!changed.length) return null;
  const only = (from) => Object.fromEntries(changed.map((name) => [name, from[name]]));
  const path = `/v1/keys/${key.id}`;
  const answer = await call('PATCH', path, { body: only(wanted), etag, query });
  const back = { body: only(key), etag: answer.etag, query: { allow_unlisted: true } };
  return { answer, undo: () => call('PATCH', path, back) };
}

/** Enables or disables a key; what disabling does is said first. */
export async function setStatus(key, status, reload) {
  let answer;
  const send = async (to) => {
    answer = await call('PATCH', `/v1/keys/${key.id}`, { body: { status: to } });
    await reload();
  };
  const isOn = status === 'enabled';
  if (isOn) await send(status);
  else {
    const body = [html`<${Stakes} of=${key} />`, t('disable.effect')];
    const title = t('disable.title', { name: key.name });
    await confirm({ title, body, yes: t('disable.do'), kind: 'danger', act: () => send(status) });
  }
  if (!answer) return;
  tell(t(`${status}.done`, { name: key.name }), answer, isOn ? 'accepted' : 'refused', () => send(key.status));
}

/** Makes a successor; both work for a while. */
export const rotateKey = (key, reload) => open(Rotate, { shown: key, reload });

function Rotate({ shown: key, reload, close }) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const form = useForm({ grace_s: '86400' }, async ({ grace_s: grace }) => {
    const answer = await call('POST', `/v1/keys/${key.id}/rotate`, { body: { grace_s: Number(grace) } });
    await reload();
    setMade(answer);
  });
  if (made) {
    const note = t(form.values.grace_s === '0' ? 'rotate.done_now' : 'rotate.done', { masked: key.masked });
    const title = t('rotate.new', { name: key.name });
    return html`<${ValueDialog} title=${title} note=${note} answer=${made} close=${close} />`;
  }
  const graces = GRACES.map((seconds) => [String(seconds), t(`rotate.grace_${seconds}`)]);
  const title = t('rotate.title', { name: key.name });
  return html`
    <${FormDialog} form=${form} title=${title} label=${t('rotate.do')} wide close=${close}>
      <p>${t('rotate.why')}</p>
      <${Stakes} of=${key} />
      <${SelectField} form=${form} name="grace_s" label=${t('rotate.grace')} options=${graces} />
    <//>
  `;
}

/** Gives a plan key a new value. */
export const resetKey = (key, reload) => open(Reset, { shown: key, reload });

function Reset({ shown: key, reload, close }) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const form = useForm({}, async () => {
    const answer = await call('POST', `/v1/keys/${key.id}/reset`);
    await reload();
    setMade(answer);
  });
  if (made) {
    const title = t('rotate.new', { name: key.name });
    return html`<${ValueDialog} title=${title} note=${t('reset.done')} answer=${made} close=${close} />`;
  }
  const title = t('reset.title', { name: key.name });
  return html`
    <${FormDialog} form=${form} title=${title} label=${t('reset.do')} kind="danger" wide close=${close}>
      <p>${t('reset.why')}</p>
      <${Stakes} of=${key} />
    <//>
  `;
}

/** Ends the grace. */
export async function endGrace(key, reload) {
  const act = async () => {
    tell(t('grace.ended'), await call('POST', `/v1/keys/${key.id}/end-grace`), 'refused');
    await reload();
  };
  const body = [t('grace.end_why', { masked: key.masked }), html`<${Stakes} of=${key} />`];
  await confirm({ title: t('grace.end'), body, yes: t('grace.end'), kind: 'danger', act });
}

/** Deletes a key for good: by its name, and by proof of who asks. */
export const deleteKey = (key, reload) => open(Delete, { shown: key, reload });

function Delete({ shown: key, reload, close }) {
  const [answer, setAnswer] = useState(/** @type {any} */ (null));
  const form = useForm({ ...proofValues, confirm: '' }, async (values) => {
    if (values.confirm !== key.name) throw refusal('confirm', t('delete.name_differs'));
    await prove(values, 'delete');
    setAnswer(await call('DELETE', `/v1/keys/${key.id}`, { query: { confirm: key.name } }));
    await reload();
  });
  if (answer) return html`<${Outcome} of=${key} answer=${answer} close=${close} />`;
  const label = html`<span>${pieces('delete.type', { name: html`<b><bdi>${key.name}</bdi></b>` })}</span>`;
  return html`
    <${FormDialog} form=${form} title=${t('delete.title')} label=${t('delete.do')} kind="danger" close=${close}>
      <${Stakes} of=${key} />
      <p>${t('delete.effect')}</p>
      <${TextField} form=${form} name="confirm" label=${label} required />
      <${ProofFields} form=${form} kind="delete" />
    <//>
  `;
}

function Outcome({ of: key, answer, close }) {
  const { sentence, kind, laggards } = propagated(answer, 'refused');
  return html`
    <${Dialog} title=${t('delete.title')} foot=${html`<${DoneButton} />`} focus="[data-focus]" close=${close}>
      <div class="outcome ${kind}"><${Icon} name=${kind === 'good' ? 'check' : 'warn'} /></div>
      <p class="outcome-text" role="status">
        <b>${pieces('delete.done', { name: html`<bdi>${key.name}</bdi>` })}</b>
        <span class="tabular">${sentence}</span>
        ${laggards.map((one) => html`<span>${one}</span>`)}
      </p>
    <//>
  `;
}

/** Copies the value of a key that was made before: proof first; nothing of it stays in the page. */
export async function copyValue(key) {
  let value;
  const reveal = async () => { value = (await call('POST', `/v1/keys/${key.id}/reveal`)).data.key; };
  await askProof('reveal', t('copy.title'), t('copy.why', { name: key.name }), reveal);
  if (!value) return;
  if (await toClipboard(value)) {
    const clear = { seconds: CLEAR_AFTER_S, undo: clearClipboard, label: t('copy.clear_now') };
    return toast(t('copy.done', { seconds: CLEAR_AFTER_S }), clear);
  }
  await ask({
    title: t('copy.title'), label: t('done'), initial: { value },
    fields: (form) => html`<${TextField} form=${form} name="value" label=${t('copy.failed')} readonly class="mono" />`,
    send: async () => {},
  });
}
