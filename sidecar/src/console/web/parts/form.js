// @ts-check
// Forms and fields, one home for each. Every refusal of the API stands beside its field.

import { html, useLayoutEffect, useNewId, useRef, useState } from '../base.js';
import { Button } from './button.js';
import { t } from './text.js';
import { explain, toast } from './toast.js';

/** The state of a form: what was typed, and what is wrong with it. `submit(values)` makes the call. */
export function useForm(initial, submit) {
  const [id, node] = [useNewId(), useRef(/** @type {HTMLFormElement | null} */ (null))];
  const [values, setValues] = useState(initial);
  const [faults, setFaults] = useState(/** @type {{field: string, detail: string}[]} */ ([]));
  const [rest, setRest] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [touched, refusals] = [useRef(false), useRef(0)];
  const say = (wrong) => {
    setFaults(wrong);
    refusals.current += wrong.length ? 1 : 0;
  };
  const set = (name, value, field = name) => {
    touched.current = true;
    setValues((before) => ({ ...before, [name]: value }));
    setFaults((before) => before.filter((fault) => !isOf(fault, field)));
  };
  const refuse = (problem) => {
    if (problem.kind === undefined) return toast(explain(problem), { kind: 'bad' });
    const [placed, others] = place(/** @type {HTMLFormElement} */ (node.current), problem.errors);
    say(placed);
    setRest(placed.length && !others.length ? '' : explain(problem, others));
  };
  const onSubmit = async (event) => {
    event.preventDefault();
    if (isBusy) return;
    setRest('');
    const wrong = judge(/** @type {HTMLFormElement} */ (node.current));
    say(wrong);
    if (wrong.length) return;
    setBusy(true);
    try {
      await submit(values);
    } catch (problem) {
      refuse(problem);
    } finally {
      setBusy(false);
    }
  };
  useLayoutEffect(() => focusFault(node.current), [refusals.current]);
  const isTouched = () => touched.current;
  return { id, node, values, set, say, faults, rest, isBusy, onSubmit, isTouched };
}

/** The name of the field that a fault stands beside: the path itself, or its first word. */
const nameOf = (path) => path.replace(/[[.].*/, '');

const isOf = ({ field: path }, name) => path === name || nameOf(path) === name;

/** Sorts errors: those that have a field in the form, and the others. */
function place(node, errors) {
  const names = new Set([...node.querySelectorAll('[data-field]')].map(({ dataset }) => dataset.field));
  const isPlaced = ({ field }) => names.has(field) || names.has(nameOf(field));
  return [errors.filter(isPlaced), errors.filter((error) => !isPlaced(error))];
}

/** Lets the browser judge what it can (required, length, pattern). */
function judge(node) {
  const wrong = [...node.elements].filter((control) => control.willValidate && !control.checkValidity());
  const said = (control) => (control.validity.valueMissing ? t('required') : control.validationMessage);
  const named = wrong.filter((control) => control.closest('[data-field]'));
  return named.map((control) => ({ field: control.closest('[data-field]').dataset.field, detail: said(control) }));
}

function focusFault(node) {
  const field = node?.querySelector('.fault:not(:empty)')?.closest('[data-field]');
  field?.querySelector('input:not([hidden]), textarea, select')?.focus();
}

/** The form itself. Its button stands wherever the caller puts it, or below it by `label`. */
export function Form({ form, label = '', kind = 'primary', children }) {
  return html`
    <form id=${form.id} ref=${form.node} class="form" novalidate onSubmit=${form.onSubmit}>
      ${children}
      <p class="form-fault" role="alert" hidden=${!form.rest}>${form.rest}</p>
      ${label && html`<${Button} type="submit" kind=${kind} isBusy=${form.isBusy}>${label}<//>`}
    </form>
  `;
}

/** What is wrong with a field. */
export const faultsOf = (form, name) => form.faults.filter((fault) => isOf(fault, name));

const inLines = (faults) => faults.map(({ detail }) => detail).join('\n');

/** A field: its label, hint, control and room for what is wrong with it. `children` gets the control's props. */
export function Field({ form, name, label, hint = '', optional = false, hidden = false, field = name, ...rest }) {
  const [id, hintId, faultId] = [useNewId(), useNewId(), useNewId()];
  const { children, fault = inLines(faultsOf(form, field)) } = rest;
  const props = {
    id,
    'aria-describedby': hint ? `${hintId} ${faultId}` : faultId,
    'aria-invalid': fault ? 'true' : null,
  };
  return html`
    <div class="field" data-field=${field} hidden=${hidden}>
      <label for=${id}>${label}${optional && html`<span class="optional">${t('optional')}</span>`}</label>
      ${hint && html`<p class="hint" id=${hintId}>${hint}</p>`}
      ${children(props)}
      <p class="fault" id=${faultId}>${fault}</p>
    </div>
  `;
}

/** Several controls under one heading. */
export function Group({ form, name, label, fault = inLines(faultsOf(form, name)), children }) {
  const id = useNewId();
  return html`
    <fieldset class="field" data-field=${name} aria-describedby=${id}>
      <legend>${label}</legend>
      ${children}
      <p class="fault" id=${id}>${fault}</p>
    </fieldset>
  `;
}

/** Splits what describes the field from what the control has. */
function fieldProps({ form, name, field = name, label, hint = '', optional = false, hidden = false, ...control }) {
  return [{ form, name, field, label, hint, optional, hidden }, control];
}

const onInput = ({ form, name, field = name }) => (event) => form.set(name, event.target.value, field);

/** One line of text. */
export function TextField(all) {
  const [field, { as = all.name, ...control }] = fieldProps(all);
  return html`
    <${Field} ...${field}>${(props) => html`
      <input type="text" autocomplete="off" spellcheck=${false} ...${props} name=${as} ...${control}
        value=${all.form.values[all.name]} onInput=${onInput(all)} />
    `}<//>
  `;
}

/** Several lines of text. */
export function AreaField(all) {
  const [field, control] = fieldProps(all);
  return html`
    <${Field} ...${field}>${(props) => html`
      <textarea spellcheck=${false} ...${props} ...${control} value=${all.form.values[all.name]}
        onInput=${onInput(all)} />
    `}<//>
  `;
}

/** A choice of few; `options` are pairs of a value and its text. */
export function SelectField(all) {
  const [field, { options, ...control }] = fieldProps(all);
  return html`
    <${Field} ...${field}>${(props) => html`
      <${Select} ...${props} ...${control} options=${options} value=${all.form.values[all.name]}
        onChange=${onInput(all)} />
    `}<//>
  `;
}

/** A choice of few without a field around it. */
export const Select = ({ options, value, ...props }) => html`
  <select ...${props} value=${value}>
    ${options.map(([id, text]) => html`<option key=${id} value=${id}>${text}</option>`)}
  </select>
`;

export const Checkbox = ({ label, hidden = false, ...props }) => html`
  <label class="check" hidden=${hidden}><input type="checkbox" ...${props} />${label}</label>
`;

/** Gives an API error another field, or other words, if it is of this kind; then throws it.
 * @returns {never} */
export function rethrow(problem, kind, field, detail) {
  if (problem.kind === kind) problem.errors = [{ field, detail }];
  throw problem;
}

/** A refusal of the page's own, beside a field. */
export const refusal = (field, detail) => ({ kind: 'invalid-field', status: 422, errors: [{ field, detail }] });
