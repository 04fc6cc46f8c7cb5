// @ts-check
// What scripts log in with on somebody's behalf: API tokens, and access keys of the cloud API.

import { html, useState } from '../base.js';
import { call, getAll, onceOnly, state } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { Dialog, FormDialog, LeaveButton, confirm, open } from '../parts/dialog.js';
import { Checkbox, Group, SelectField, TextField, refusal, useForm } from '../parts/form.js';
import { Loaded, useLoad } from '../parts/page.js';
import { SecretRow } from '../parts/secret.js';
import { Card, Code, Relative, Stamp } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { toast } from '../parts/toast.js';

const CAPABILITIES = ['keys:read', 'keys:write', 'keys:reveal', 'keys:delete', 'admin'];
const DAYS = ['30', '90', '365'];
const DAY_MS = 86400e3;

const isMine = ({ creator }) => creator === state.session.actor;

/** The API tokens that the reader has made. */
export function TokensCard() {
  const loading = useLoad(() => getAll('/v1/tokens', 'tokens').then((all) => all.filter(isMine)), []);
  const row = (one) => ({
    key: one.id,
    cells: [
      html`<${Named} name=${one.name} id=${one.id} />`,
      one.capabilities.join(', '),
      one.account ?? t('audit.everywhere'),
      html`<${Stamp} at=${one.created_at} />`,
      html`<${Relative} at=${one.expires_at} never=${t('expiry.never')} />`,
      html`<${End} of=${one} path=${`/v1/tokens/${one.id}`} reload=${loading.reload} />`,
    ],
  });
  const columns = [
    t('field.name'), t('token.may'), t('account'), t('keys.created'), t('field.expiry'), actionColumn(),
  ];
  return html`
    <${Listed} title=${t('token.title')} lead=${t('token.lead')} loading=${loading} columns=${columns} row=${row}
      add=${t('token.add')} act=${() => open(NewToken, { reload: loading.reload })} />
  `;
}

/** The access keys that are the reader's. */
export function AccessKeysCard() {
  const loading = useLoad(() => getAll('/v1/access-keys', 'access_keys').then((all) => all.filter(isMine)), []);
  const row = (one) => ({
    key: one.secret_id,
    cells: [
      html`<${Named} name=${one.name} id=${one.secret_id} />`,
      one.account,
      t(one.status),
      html`<${Stamp} at=${one.created_at} />`,
      html`<${End} of=${one} path=${`/v1/access-keys/${one.secret_id}`} reload=${loading.reload} />`,
    ],
  });
  const columns = [t('field.name'), t('account'), t('keys.status'), t('keys.created'), actionColumn()];
  return html`
    <${Listed} title=${t('access_key.title')} lead=${t('access_key.lead')} loading=${loading} columns=${columns}
      row=${row} add=${t('access_key.add')} act=${() => open(NewAccessKey, { reload: loading.reload })} />
  `;
}

const Named = ({ name, id }) => html`
  <div class="named"><bdi>${name}</bdi><span class="about"><${Code}>${id}<//></span></div>
`;

const Listed = ({ title, lead, loading, columns, row, add, act }) => html`
  <${Card} title=${title}>
    <p class="hint">${lead}</p>
    <${Loaded} of=${loading} rows=${2}>${(all) => (all.length
      ? html`<${Table} label=${title} columns=${columns} rows=${all.map(row)} />`
      : html`<p class="muted">${t('scope.none')}</p>`)}<//>
    <${Button} picture="plus" act=${act}>${add}<//>
  <//>
`;

function End({ of: { name }, path, reload }) {
  const act = async () => {
    await call('DELETE', path);
    toast(t('token.ended', { name }));
    await reload();
  };
  const title = t('token.end', { name });
  const ask = () => confirm({ title, body: t('token.end_why'), yes: t('token.end_yes'), kind: 'danger', act });
  return html`<${Button} kind="small" aria-label=${title} act=${ask}>${t('token.end_yes')}<//>`;
}

function NewToken({ reload, close }) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [once] = useState(onceOnly);
  const form = useForm({ name: '', capabilities: ['keys:read'], days: '90' }, async (values) => {
    if (!values.capabilities.length) throw refusal('capabilities', t('required'));
    const body = {
      name: values.name, account: state.account, capabilities: values.capabilities,
      expires_at: values.days ? new Date(Date.now() + Number(values.days) * DAY_MS).toISOString() : null,
    };
    const { data } = await call('POST', '/v1/tokens', { body, once });
    await reload();
    setMade({ name: data.name, secrets: [[t('token.value'), data.token]] });
  });
  if (made) return html`<${Minted} of=${made} close=${close} />`;
  const { capabilities } = form.values;
  const mine = CAPABILITIES.filter((id) => state.session.capabilities.includes(id));
  const toggle = (id) => form.set('capabilities', capabilities.includes(id)
    ? capabilities.filter((one) => one !== id)
    : [...capabilities, id]);
  return html`
    <${FormDialog} form=${form} title=${t('token.add')} label=${t('token.add')} close=${close}>
      <${TextField} form=${form} name="name" as="token-name" label=${t('field.name')} required maxlength="128" />
      <${Group} form=${form} name="capabilities" label=${t('token.may')}>
        ${mine.map((id) => html`
          <${Checkbox} key=${id} label=${id} checked=${capabilities.includes(id)} onChange=${() => toggle(id)} />
        `)}
      <//>
      <${SelectField} form=${form} name="days" field="expires_at" label=${t('field.expiry')}
        options=${[...DAYS.map((days) => [days, t(`expiry.${days}`)]), ['', t('expiry.never')]]} />
    <//>
  `;
}

function NewAccessKey({ reload, close }) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [once] = useState(onceOnly);
  const form = useForm({ name: '' }, async ({ name }) => {
    const body = { name, account: state.account };
    const { data } = await call('POST', '/v1/access-keys', { body, once });
    await reload();
    setMade({ name, secrets: [['SecretId', data.secret_id], ['SecretKey', data.secret_key]] });
  });
  if (made) return html`<${Minted} of=${made} close=${close} />`;
  return html`
    <${FormDialog} form=${form} title=${t('access_key.add')} label=${t('access_key.add')} close=${close}>
      <${TextField} form=${form} name="name" label=${t('field.name')} required maxlength="128" />
    <//>
  `;
}

/** Shows once what nobody sees again. */
const Minted = ({ of: { name, secrets }, close }) => html`
  <${Dialog} title=${t('token.minted', { name })} focus=".value" close=${close}
    foot=${html`<${LeaveButton} kind="primary">${t('done')}<//>`}>
    <p class="callout">${t('value.once')}</p>
    ${secrets.map(([label, value]) => html`
      <h3 key=${label}>${label}</h3><${SecretRow} value=${value} label=${label} />
    `)}
  <//>
`;
