// What one does with a key: create, edit, switch, copy, rotate, reset, delete; each says what became of it.

import { call, getAll, region } from './api.js';
import { confirm, field, formDialog, input, select } from './form.js';
import { h, icon, newId, words } from './h.js';
import { editFields, newFields } from './key-form.js';
import { covers } from './picker.js';
import { askProof, proofFields } from './person.js';
import { pieces, t } from './text.js';
import { badge, button, propagated, tell, toast } from './ui.js';

/** How long a copy stays in the clipboard, as far as this page can tell, in seconds. */
const CLEAR_AFTER_S = 60;
const GRACES = [0, 3600, 86400, 604800, 2592000];

/** Makes a key. */
export async function newKey(reload) {
  const making = newFields();
  await formDialog(t('create.title'), making.fields, t('keys.create'), async (dialog) => {
    const answer = await making.send();
    if (!answer) return dialog;
    await reload();
    return showValue(dialog, answer, t('create.done'), pieces('create.note', { name: words(answer.data.name) }));
  }, { wide: true, guarded: true });
}

/** Changes a key. */
export async function editKey(id, reload) {
  const { data: key, etag } = await call('GET', `/v1/keys/${id}`);
  const editing = editFields(key, etag);
  await formDialog(t('edit.title'), editing.fields, t('save'), async (dialog) => {
    if (!editing.isSound()) return dialog;
    const changed = await editing.send();
    if (changed) tell(t('edit.done', { name: key.name }), changed.answer, 'in_force', async () => { await changed.undo(); await reload(); });
    await reload();
  }, { wide: true, guarded: true });
}

/** Enables or disables a key; what disabling does is said first. */
export async function setStatus(key, status, reload) {
  let answer;
  const send = async (to) => { answer = await call('PATCH', `/v1/keys/${key.id}`, { body: { status: to } }); await reload(); };
  const isOn = status === 'enabled';
  if (isOn) await send(status);
  else await confirm({ title: t('disable.title', { name: key.name }), body: t('disable.effect'), yes: t('disable.do'), kind: 'danger', act: () => send(status) });
  if (answer) tell(t(`${status}.done`, { name: key.name }), answer, isOn ? 'accepted' : 'refused', () => send(key.status));
}

/** Makes a successor; both work for a while. */
export async function rotateKey(key, reload) {
  const grace = select(GRACES.map((seconds) => [String(seconds), t(`rotate.grace_${seconds}`)]), '86400');
  const fields = [h('p', null, t('rotate.why')), field('grace_s', t('rotate.grace'), grace)];
  await formDialog(t('rotate.title', { name: key.name }), fields, t('rotate.do'), async (dialog) => {
    const answer = await call('POST', `/v1/keys/${key.id}/rotate`, { body: { grace_s: Number(grace.value) } });
    await reload();
    return showValue(dialog, answer, t('rotate.new', { name: key.name }), t(grace.value === '0' ? 'rotate.done_now' : 'rotate.done', { masked: key.masked }));
  }, { wide: true });
}

/** Gives a plan key a new value. */
export async function resetKey(key, reload) {
  await formDialog(t('reset.title', { name: key.name }), h('p', null, t('reset.why')), t('reset.do'), async (dialog) => {
    const answer = await call('POST', `/v1/keys/${key.id}/reset`);
    await reload();
    return showValue(dialog, answer, t('rotate.new', { name: key.name }), t('reset.done'));
  }, { wide: true, kind: 'danger' });
}

/** Ends the grace. */
export async function endGrace(key, reload) {
  const act = async () => { tell(t('grace.ended'), await call('POST', `/v1/keys/${key.id}/end-grace`), 'refused'); await reload(); };
  await confirm({ title: t('grace.end'), body: t('grace.end_why', { masked: key.masked }), yes: t('grace.end'), kind: 'danger', act });
}

/** Deletes a key for good: by its name, and by proof of who asks. */
export async function deleteKey(key, done) {
  const proof = proofFields();
  const typed = input({ required: true });
  const named = field('confirm', h('span', null, pieces('delete.type', { name: h('b', null, words(key.name)) })), typed);
  await formDialog(t('delete.title'), [h('p', null, t('delete.effect')), named, proof.node], t('delete.do'), async (dialog) => {
    // A proof serves for one call: it is not spent on a name that is wrong.
    if (typed.value !== key.name) throw { kind: 'invalid-field', errors: [{ field: 'confirm', detail: t('delete.name_differs') }] };
    await proof.prove();
    const answer = await call('DELETE', `/v1/keys/${key.id}`, { query: { confirm: key.name } });
    showOutcome(dialog, key, answer);
    await done();
    return dialog;
  }, { kind: 'danger' });
}

function showOutcome(dialog, key, answer) {
  const { sentence, kind, laggards } = propagated(answer, 'refused');
  const mark = h('div', { class: `outcome ${kind}` }, icon(kind === 'good' ? 'check' : 'warn'));
  const text = h('p', { class: 'outcome-text', role: 'status' }, h('b', null, pieces('delete.done', { name: words(key.name) })), h('span', { class: 'tabular' }, sentence), laggards.map((one) => h('span', null, one)));
  const close = button(t('done'), dialog.leave, { kind: 'primary' });
  dialog.show(t('delete.title'), [mark, text], close);
  close.focus();
}

/** Copies the value of a key that was made before: proof first; nothing of it stays in the page. */
export async function copyValue(key) {
  let value;
  await askProof(t('copy.title'), t('copy.why', { name: key.name }), async () => { value = (await call('POST', `/v1/keys/${key.id}/reveal`)).data.key; });
  if (!value) return;
  if (await toClipboard(value)) return toast(t('copy.done', { seconds: CLEAR_AFTER_S }), { seconds: CLEAR_AFTER_S, undo: clearClipboard, label: t('copy.clear_now') });
  const box = input({ value, readonly: true, class: 'mono' });
  await confirm({ title: t('copy.title'), body: field('value', t('copy.failed'), box), yes: t('done') });
}

/** Puts a secret into the clipboard, and takes it out after a while if nothing can have been copied elsewhere.
 * False: the browser does not allow it. */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return false;
  }
  const timer = setTimeout(() => clearClipboard().catch(() => {}), CLEAR_AFTER_S * 1000);
  for (const event of ['blur', 'copy', 'cut']) addEventListener(event, () => clearTimeout(timer), { once: true });
  return true;
}

const clearClipboard = () => navigator.clipboard.writeText('');

/** A button that copies what `text` gives, and says whether it did; `done` hears of it. */
export function copyButton(label, text, { done = () => {}, ...props } = {}) {
  const said = h('span', { class: 'hint', role: 'status' });
  const node = button(label, async () => {
    const isCopied = await toClipboard(text());
    said.textContent = t(isCopied ? 'copy.copied' : 'copy.failed');
    if (isCopied) done();
  }, { picture: 'copy', ...props });
  return [node, said];
}

/** A secret in a box, with its copy button. */
export function secretRow(value, label, done) {
  const box = input({ value, readonly: true, class: 'mono value', 'aria-label': label, onfocus: () => box.select(), oncopy: done });
  const [copy, said] = copyButton(t('copy.copy'), () => value, { done, kind: 'primary', id: 'copy-value' });
  return [h('div', { class: 'value-row' }, box, copy), said];
}

/** Shows in `dialog` the value that was made just now; the dialog asks before it goes away uncopied. */
function showValue(dialog, answer, title, note) {
  const { key: value, recoverable, scope } = answer.data;
  let isKept = false;
  const row = secretRow(value, t('field.value'), () => { isKept = true; });
  const { sentence, kind } = propagated(answer, 'accepted');
  const warn = h('p', { class: 'callout' }, t(recoverable ? 'value.recoverable' : 'value.once'));
  dialog.show(title, [h('p', null, note), h('p', null, badge(sentence, kind)), ...row, warn, snippets(value, scope)], button(t('done'), dialog.leave, { kind: 'primary' }));
  dialog.mayClose = () => isKept || confirm({ title: t('value.leave_title'), body: t('value.leave'), yes: t('value.leave_yes'), kind: 'danger', no: t('value.stay') });
  const guard = (event) => { if (!isKept) event.preventDefault(); };
  addEventListener('beforeunload', guard);
  dialog.closed.then(() => removeEventListener('beforeunload', guard));
  row[0].querySelector('button').focus();
  return dialog;
}

/** Lines that use the key, for those who call with curl or with an SDK, with a model that it may call. */
function snippets(value, { models, services }) {
  const place = `gateway.${region().id}`;
  const gateway = input({ type: 'url', value: localStorage.getItem(place) ?? region().gateway ?? '', placeholder: 'https://gateway.example.com' });
  const shown = h('code');
  const name = newId();
  let kind = 'curl';
  const tab = ([id, label]) => h('label', { class: 'tab' }, h('input', { type: 'radio', name, value: id, checked: id === kind }), label);
  const tabs = h('div', { class: 'tabs', role: 'radiogroup', 'aria-label': t('value.use') }, [['curl', 'curl'], ['openai', 'OpenAI (Python)'], ['anthropic', 'Anthropic (Python)']].map(tab));
  let model = [models, services].flat().find((entry) => entry !== 'all' && !entry.endsWith('*'));
  const draw = () => { shown.textContent = SNIPPETS[kind](gateway.value.replace(/\/+$/, '') || gateway.placeholder, value, model ?? 'MODEL'); };
  const isCovered = ({ name }) => models === 'all' || models.some((entry) => covers(entry, name));
  if (!model) getAll(`/v1/catalog/${region().id}`, 'entries', { kind: 'model' }).then((entries) => { model = entries.find(isCovered)?.name; draw(); }, () => {});
  tabs.addEventListener('change', (event) => { kind = event.target.value; draw(); });
  gateway.addEventListener('input', () => { localStorage.setItem(place, gateway.value); draw(); });
  draw();
  const where = field('gateway', t('value.gateway'), gateway, { hint: t('value.gateway_hint') });
  return h('section', { class: 'snippets' }, h('h3', null, t('value.use')), tabs, h('pre', { tabindex: '0', translate: 'no' }, shown), h('div', { class: 'inline' }, copyButton(t('copy.snippet'), () => shown.textContent)), where);
}

const SNIPPETS = {
  curl: (url, key, model) => `curl ${url}/v1/chat/completions \\
  -H 'Authorization: Bearer ${key}' \\
  -H 'Content-Type: application/json' \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`,
  openai: (url, key, model) => `from openai import OpenAI

client = OpenAI(base_url="${url}/v1", api_key="${key}")
answer = client.chat.completions.create(
    model="${model}", messages=[{"role": "user", "content": "Hello"}]
)`,
  anthropic: (url, key, model) => `from anthropic import Anthropic

client = Anthropic(base_url="${url}", api_key="${key}")
answer = client.messages.create(
    model="${model}", max_tokens=256, messages=[{"role": "user", "content": "Hello"}]
)`,
};
