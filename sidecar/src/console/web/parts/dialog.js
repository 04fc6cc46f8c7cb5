// @ts-check
// Dialogs: native ones, one home for all. What opens one waits for what it is closed with.

import { createContext, html, render, useContext, useLayoutEffect, useNewId, useRef } from '../base.js';
import { Button, IconButton } from './button.js';
import { Form, useForm } from './form.js';
import { t } from './text.js';

const Leave = createContext(async () => {});

/** Shows a dialog, a component that calls `close(answer)`; gives that answer, nothing if it was left. */
export function open(component, props = {}) {
  return new Promise((resolve) => {
    const place = document.body.appendChild(document.createElement('div'));
    let isOpen = true;
    const close = (answer) => {
      if (!isOpen) return;
      isOpen = false;
      render(null, place);
      place.remove();
      opened.delete(close);
      resolve(answer);
    };
    opened.add(close);
    render(html`<${component} ...${props} close=${close} />`, place);
  });
}

const opened = new Set();

/** Closes every dialog, as if left. */
export const closeAll = () => [...opened].forEach((close) => close());

/** The frame of a dialog. `mayClose` is asked before it closes by the reader's wish. */
export function Dialog({ title, wide = false, mayClose = () => true, close, foot = null, focus = '', children }) {
  const [id, node] = [useNewId(), useRef(/** @type {HTMLDialogElement | null} */ (null))];
  const leave = async () => {
    if (await mayClose()) close();
  };
  useLayoutEffect(() => {
    const dialog = /** @type {HTMLDialogElement} */ (node.current);
    dialog.showModal();
    // The cleanup runs before the dialog is gone: the focus goes back to where it came from.
    return () => dialog.close();
  }, []);
  // What is shown has changed: the reader begins anew.
  useLayoutEffect(() => {
    const first = focus && node.current?.querySelector(focus);
    /** @type {HTMLElement} */ (first || node.current?.querySelector('h2')).focus();
  }, [title, focus]);
  const onKey = (event) => {
    if (event.key !== 'Escape' || document.querySelector('[popover="auto"]:popover-open')) return;
    event.preventDefault();
    event.stopPropagation();
    leave();
  };
  const onCancel = (event) => {
    if (event.target !== node.current) return;
    event.preventDefault();
    leave();
  };
  return html`
    <dialog ref=${node} class=${wide ? 'dialog wide' : 'dialog'} aria-labelledby=${id} closedby="none"
      onKeyDown=${onKey} onCancel=${onCancel}>
      <${Leave.Provider} value=${leave}>
        <header class="dialog-head">
          <h2 id=${id} tabindex="-1">${title}</h2>
          <${IconButton} label=${t('close')} picture="cross" act=${leave} />
        </header>
        <div class="dialog-body" key=${title}>${children}</div>
        <footer class="dialog-foot">${foot}</footer>
      <//>
    </dialog>
  `;
}

/** A button that leaves the dialog that it stands in. */
export function LeaveButton({ kind = 'plain', children, ...props }) {
  return html`<${Button} ...${props} kind=${kind} act=${useContext(Leave)}>${children}<//>`;
}

/** The button that ends a dialog which has nothing more to do. */
export const DoneButton = () => html`<${LeaveButton} kind="primary" data-focus>${t('done')}<//>`;

/** Asks a question; true: yes. `act` runs before the dialog closes. */
export const confirm = (question) => open(Question, question).then(Boolean);

function Question({ title, body, yes, kind = 'primary', no = t('cancel'), act = async () => {}, close }) {
  const agree = async () => {
    await act();
    close(true);
  };
  const foot = html`<${LeaveButton}>${no}<//><${Button} kind=${kind} act=${agree} data-focus>${yes}<//>`;
  return html`
    <${Dialog} title=${title} foot=${foot} close=${close} focus="[data-focus]">
      ${[body].flat().map((part) => (typeof part === 'string' ? html`<p>${part}</p>` : part))}
    <//>
  `;
}

/** A dialog with a form, which `useForm` has made; `guarded`: asks before what was typed is lost. */
export function FormDialog({ form, title, label, kind = 'primary', guarded = false, close, children, ...props }) {
  const mayClose = () => !guarded || !form.isTouched() || confirm({
    title: t('discard.title'), body: t('discard.why'), yes: t('discard.yes'), kind: 'danger', no: t('discard.no'),
  });
  const send = html`<${Button} type="submit" form=${form.id} kind=${kind} isBusy=${form.isBusy}>${label}<//>`;
  const foot = html`<${LeaveButton}>${t('cancel')}<//>${send}`;
  return html`
    <${Dialog} ...${props} title=${title} foot=${foot} close=${close} mayClose=${mayClose} focus=${FIRST_FIELD}>
      <${Form} form=${form}>${children}<//>
    <//>
  `;
}

const FIRST_FIELD = '.form :is(input, textarea, select):not([readonly], [hidden], [disabled], [hidden] *)';

/** A dialog that asks for little: `fields(form)` are its fields, `send(values)` makes the call. It closes
 * when the call is done, with what it gave. */
export const ask = (props) => open(Asking, props);

function Asking({ initial = {}, fields, send, close, ...props }) {
  const form = useForm(initial, async (values) => close((await send(values)) ?? true));
  return html`<${FormDialog} ...${props} form=${form} close=${close}>${fields(form)}<//>`;
}
