// Dialogs and forms. Dialogs are native ones; every refusal of the API stands beside its field.

import { h, newId } from './h.js';
import { t } from './text.js';
import { busy, button, explain, iconButton } from './ui.js';

/** Opens a dialog. `mayClose` is asked before it closes by the reader's wish; `show(title, body, foot)` changes
 * what it shows; `closed` is kept when it is gone. */
export function openDialog(title, wide) {
  const id = newId();
  const heading = h('h2', { id, tabindex: '-1' }, title);
  const [body, foot] = [h('div', { class: 'dialog-body' }), h('footer', { class: 'dialog-foot' })];
  const leave = async () => { if (await dialog.mayClose()) node.close(); };
  const head = h('header', { class: 'dialog-head' }, heading, iconButton(t('close'), 'cross', leave));
  const node = h('dialog', { class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id, closedby: 'none' }, head, body, foot);
  const show = (newTitle, content, buttons) => {
    heading.textContent = newTitle;
    body.replaceChildren(...[content].flat().filter(Boolean));
    body.scrollTop = 0;
    foot.replaceChildren(...[buttons].flat());
  };
  const closed = new Promise((resolve) => node.addEventListener('close', () => { node.remove(); resolve(); }));
  const dialog = { mayClose: () => true, leave, show, closed, close: () => node.close() };
  node.addEventListener('cancel', (event) => { if (event.target === node) { event.preventDefault(); leave(); } });
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || document.querySelector('[popover="auto"]:popover-open')) return;
    event.preventDefault();
    event.stopPropagation();
    leave();
  });
  document.body.append(node);
  node.showModal();
  heading.focus();
  return dialog;
}

/** Asks a question; true: yes. `act` runs before the dialog closes. */
export async function confirm({ title, body, yes, kind = 'primary', no = t('cancel'), act = () => {} }) {
  const dialog = openDialog(title);
  let answer = false;
  const agree = button(yes, async () => { await act(); answer = true; dialog.close(); }, { kind });
  dialog.show(title, [body].flat().map((part) => (typeof part === 'string' ? h('p', null, part) : part)), [button(no, dialog.leave), agree]);
  agree.focus();
  await dialog.closed;
  return answer;
}

/** Opens a dialog with a form. It closes when `submit` has ended, unless that gives it back, since it shows
 * something else. `guarded`: asks before what was typed is lost. */
export async function formDialog(title, fields, label, submit, { wide, kind, guarded } = {}) {
  const dialog = openDialog(title, wide);
  const node = form(fields, label, async () => { if ((await submit(dialog)) !== dialog) dialog.close(); }, kind);
  if (guarded) guard(dialog, node);
  dialog.show(title, node, [button(t('cancel'), dialog.leave), node.button]);
  [...node.elements].find((control) => control.matches('input, textarea, select') && !control.readOnly && control.checkVisibility())?.focus();
  await dialog.closed;
}

function guard(dialog, node) {
  let isTouched = false;
  for (const event of ['input', 'change']) node.addEventListener(event, () => { isTouched = true; });
  dialog.mayClose = () => !isTouched || confirm({ title: t('discard.title'), body: t('discard.why'), yes: t('discard.yes'), kind: 'danger', no: t('discard.no') });
}

/** A field: `control` with its label, hint, and room for what is wrong with it. */
export function field(name, label, control, { hint, optional } = {}) {
  const [id, hintId, faultId] = [newId(), newId(), newId()];
  control.id = id;
  control.setAttribute('aria-describedby', hint ? `${hintId} ${faultId}` : faultId);
  const title = h('label', { for: id }, label, optional && h('span', { class: 'optional' }, t('optional')));
  return place(h('div', { class: 'field', 'data-field': name }, title, hint && h('p', { class: 'hint', id: hintId }, hint), control, fault(faultId)));
}

/** Several controls under one heading. */
export function group(name, label, ...controls) {
  const id = newId();
  return place(h('fieldset', { class: 'field', 'data-field': name, 'aria-describedby': id }, h('legend', null, label), controls, fault(id)));
}

const fault = (id) => h('p', { class: 'fault', id });

function place(node) {
  node.addEventListener('input', () => setFault(node, ''));
  return node;
}

export const input = (props) => h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...props });
export const area = (props) => h('textarea', { spellcheck: 'false', ...props });
export const select = (options, value, props) => h('select', props, options.map(([id, text]) => h('option', { value: id, selected: id === value }, text)));
export const checkbox = (label, props) => h('label', { class: 'check' }, h('input', { type: 'checkbox', ...props }), label);

/** A form; `submit` makes the call, its refusals are shown. Its button stands where the caller puts it. */
export function form(fields, label, submit, kind = 'primary') {
  const id = newId();
  const node = h('form', { id, class: 'form', novalidate: true }, fields, h('p', { class: 'form-fault', role: 'alert', hidden: true }));
  node.button = button(label, null, { kind, type: 'submit', form: id });
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!isComplete(node)) return;
    busy(node.button, async () => {
      showProblem(node, null);
      try {
        await submit();
      } catch (problem) {
        if (problem.kind === undefined) throw problem;
        showProblem(node, problem);
      }
    });
  });
  return node;
}

/** Shows a problem: each error beside its field, the rest below; null takes them away. */
function showProblem(node, problem) {
  const fields = [...node.querySelectorAll('[data-field]')];
  for (const one of fields) setFault(one, '');
  const rest = (problem?.errors ?? []).filter((error) => !showError(fields, error));
  const isPlaced = problem?.errors.length && !rest.length;
  const shown = node.querySelector('.form-fault');
  shown.textContent = !problem || isPlaced ? '' : explain(problem, rest);
  shown.hidden = !shown.textContent;
  node.querySelector('[aria-invalid="true"]')?.focus();
}

/** Puts an error beside its field; false: there is no such field. */
function showError(fields, { field: path, detail }) {
  const node = fields.find(({ dataset }) => dataset.field === path) ?? fields.find(({ dataset }) => dataset.field === path.replace(/[[.].*/, ''));
  if (!node) return false;
  const index = path.match(/\[(\d+)\]/)?.[1];
  if (index !== undefined && node.itemFault) node.itemFault(Number(index), detail, path);
  else setFault(node, [node.querySelector('.fault').textContent, detail].filter(Boolean).join('\n'));
  return true;
}

/** Gives an API error another field, or other words, if it is of this kind; then throws it. */
export function rethrow(problem, kind, name, detail) {
  if (problem.kind === kind) problem.errors = [{ field: name, detail }];
  throw problem;
}

/** Says what is wrong with a field; '' takes it away. */
export function setFault(node, text) {
  const shown = node.querySelector('.fault');
  if (!text && !shown.textContent) return;
  shown.textContent = text;
  const control = node.querySelector('input, textarea, select');
  if (text) control.setAttribute('aria-invalid', 'true');
  else control.removeAttribute('aria-invalid');
}

/** Lets the browser judge what it can (required, length, pattern), and says it beside the field. */
function isComplete(node) {
  const wrong = [...node.elements].filter((control) => control.willValidate && !control.checkValidity());
  for (const control of wrong) {
    const where = control.closest('[data-field]');
    if (where) setFault(where, control.validity.valueMissing ? t('required') : control.validationMessage);
  }
  wrong[0]?.focus();
  return !wrong.length;
}
