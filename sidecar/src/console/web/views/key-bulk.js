// @ts-check
// What one does with many keys at once: one call for each, and a word about each that was refused.

import { html, useState } from '../base.js';
import { call, may } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { Dialog, DoneButton, FormDialog, LeaveButton, open } from '../parts/dialog.js';
import { AreaField, TextField, refusal, useForm } from '../parts/form.js';
import { Code } from '../parts/small.js';
import { t } from '../parts/text.js';
import { explain } from '../parts/toast.js';
import { ProofFields, proofValues, prove } from './proof.js';

/** Keys that a dialog names; the others are counted. */
const NAMED_MAX = 8;

const patch = (body) => (key) => call('PATCH', `/v1/keys/${key.id}`, { body });

/** The bar above the list while keys are selected. */
export function BulkBar({ selected, clear, reload }) {
  const keys = [...selected.values()];
  const act = (what) => async () => {
    await open(Bulk, { what, keys, reload });
    clear();
  };
  return html`
    <div class="bulk" role="region" aria-label=${t('bulk.name')}>
      <b role="status">${t('bulk.count', { n: keys.length })}</b>
      <${Button} kind="small" act=${act(ENABLE)}>${t('people.enable')}<//>
      <${Button} kind="small" act=${act(DISABLE)}>${t('disable.do')}<//>
      <${Button} kind="small" act=${act(DESCRIBE)}>${t('bulk.describe')}<//>
      ${may('keys:delete') && html`
        <${Button} kind="small danger-plain" act=${act(DELETE)}>${t('delete.do')}<//>
      `}
      <${Button} kind="link" act=${clear}>${t('bulk.clear')}<//>
    </div>
  `;
}

const ENABLE = {
  title: 'bulk.enable_title', label: 'people.enable', initial: {}, fields: () => null,
  each: () => patch({ status: 'enabled' }),
};

const DISABLE = {
  title: 'bulk.disable_title', label: 'disable.do', kind: 'danger', initial: {},
  fields: () => html`<p>${t('disable.effect')}</p>`,
  each: () => patch({ status: 'disabled' }),
};

const DESCRIBE = {
  title: 'bulk.describe_title', label: 'save', initial: { description: '' },
  fields: (form) => html`
    <${AreaField} form=${form} name="description" label=${t('field.description')} hint=${t('bulk.describe_hint')}
      rows="2" required maxlength="1024" />
  `,
  each: ({ description }) => patch({ description }),
};

const DELETE = {
  title: 'bulk.delete_title', label: 'delete.do', kind: 'danger', initial: { ...proofValues, count: '' },
  fields: (form, keys) => html`
    <p>${t('delete.effect')}</p>
    <${TextField} form=${form} name="count" inputmode="numeric" label=${t('bulk.type_count', { n: keys.length })}
      required />
    <${ProofFields} form=${form} kind="delete" />
  `,
  ready: async (values, keys) => {
    if (values.count.trim() !== String(keys.length)) throw refusal('count', t('bulk.count_differs'));
    await prove(values, 'delete');
  },
  each: () => (key) => call('DELETE', `/v1/keys/${key.id}`, { query: { confirm: key.name } }),
};

/** Does `what` with each key; says how far it is, and what was refused. */
export function Bulk({ what, keys, reload, close }) {
  const [done, setDone] = useState(0);
  const [outcome, setOutcome] = useState(/** @type {any} */ (null));
  const form = useForm(what.initial, async (values) => {
    await what.ready?.(values, keys);
    const refused = [];
    for (const [at, key] of keys.entries()) {
      setDone(at + 1);
      await what.each(values)(key).catch((problem) => refused.push({ key, said: explain(problem) }));
    }
    await reload();
    setOutcome({ refused });
  });
  if (outcome) return html`<${Outcome} what=${what} keys=${keys} refused=${outcome.refused} close=${close} />`;
  const title = t(what.title, { n: keys.length });
  return html`
    <${FormDialog} form=${form} title=${title} label=${t(what.label)} kind=${what.kind ?? 'primary'} close=${close}>
      <${KeyNames} keys=${keys} />
      ${what.fields(form, keys)}
      <p role="status" class="hint">${form.isBusy && t('bulk.progress', { done, n: keys.length })}</p>
    <//>
  `;
}

const KeyNames = ({ keys }) => html`
  <ul class="key-names">
    ${keys.slice(0, NAMED_MAX).map((key) => html`
      <li key=${key.id}><bdi>${key.name}</bdi> <${Code}>${key.masked}<//></li>
    `)}
    ${keys.length > NAMED_MAX && html`
      <li class="muted">${t('keys.more_entries', { n: keys.length - NAMED_MAX })}</li>
    `}
  </ul>
`;

function Outcome({ what, keys, refused, close }) {
  const foot = refused.length ? html`<${LeaveButton} data-focus>${t('close')}<//>` : html`<${DoneButton} />`;
  return html`
    <${Dialog} title=${t(what.title, { n: keys.length })} foot=${foot} focus="[data-focus]" close=${close}>
      <p role="status"><b>${t('bulk.done', { n: keys.length - refused.length })}</b></p>
      ${refused.length > 0 && html`
        <p>${t('bulk.refused', { n: refused.length })}</p>
        <ul class="key-names">
          ${refused.map(({ key, said }) => html`
            <li key=${key.id}><bdi>${key.name}</bdi> <${Code}>${key.masked}<//>: ${said}</li>
          `)}
        </ul>
      `}
    <//>
  `;
}
