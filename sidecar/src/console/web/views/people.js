// @ts-check
// The people who may log in: invite, disable, reset, delete.

import { html, useState } from '../base.js';
import { call, get, isOperator, onceOnly, state, userName } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { Dialog, FormDialog, LeaveButton, confirm, open } from '../parts/dialog.js';
import { SelectField, TextField, useForm } from '../parts/form.js';
import { Menu } from '../parts/menu.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { SecretRow } from '../parts/secret.js';
import { Badge, Relative } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { toast } from '../parts/toast.js';

export function View() {
  const loading = useLoad(() => get('/v1/users'), []);
  const add = html`
    <${Button} kind="primary" picture="plus" act=${() => open(Invite, { reload: loading.reload })}>
      ${t('people.invite')}
    <//>
  `;
  const columns = [
    t('login.user'), t('profile.role'), t('account'), t('keys.status'), t('people.factor'), t('people.seen'),
    actionColumn(),
  ];
  return html`
    <${Page} title=${t('nav.people')} actions=${add}>
      <${Loaded} of=${loading}>${({ users }) => html`
        <${Table} label=${t('nav.people')} columns=${columns} rows=${users.map((one) => row(one, loading.reload))} />
      `}<//>
    <//>
  `;
}

const row = (one, reload) => ({
  key: one.id,
  cells: [
    html`<bdi>${one.name}</bdi>`,
    t(`role.${one.role}`),
    one.account,
    html`<${Status} of=${one} />`,
    t(one.totp ? 'totp.on' : 'totp.off'),
    html`<${Relative} at=${one.last_login_at} />`,
    one.name !== userName() && html`<${Acts} of=${one} reload=${reload} />`,
  ],
});

function Status({ of: { status, password_set: isSet } }) {
  if (!isSet) return html`<${Badge} kind="warn">${t('people.invited')}<//>`;
  return html`<${Badge} kind=${status === 'enabled' ? 'good' : ''}>${t(status)}<//>`;
}

function Acts({ of: one, reload }) {
  const isOn = one.status === 'enabled';
  const change = async (body) => {
    await call('PATCH', `/v1/users/${one.id}`, { body });
    toast(t('edit.done', { name: one.name }));
    await reload();
  };
  const sure = (title, body, yes, act) => confirm({ title, body, yes, kind: 'danger', act });
  const disable = () => sure(
    t('disable.title', { name: one.name }), t('people.ends'), t('disable.do'), () => change({ status: 'disabled' }),
  );
  const remove = () => sure(t('people.delete', { name: one.name }), t('people.ends'), t('delete.do'), async () => {
    await call('DELETE', `/v1/users/${one.id}`);
    await reload();
  });
  const items = [
    isOn ? [t('disable.do'), disable] : [t('people.enable'), () => change({ status: 'enabled' })],
    [t('people.reset'), () => reset(one, reload)],
    [t('delete.do'), remove, 'danger'],
  ];
  return html`<${Menu} label=${t('keys.more', { name: one.name })} items=${items} />`;
}

function Invite({ reload, close }) {
  const [made, setMade] = useState(/** @type {any} */ (null));
  const [once] = useState(onceOnly);
  const form = useForm({ name: '', role: 'viewer', account: state.account }, async ({ name, role, account }) => {
    const body = { name, role, account: role === 'operator' ? undefined : account };
    const { data } = await call('POST', '/v1/users', { body, once });
    await reload();
    setMade(data);
  });
  if (made) return html`<${SetupSecret} of=${made} close=${close} />`;
  const roles = ['viewer', 'owner', isOperator() && 'operator'].filter(Boolean);
  return html`
    <${FormDialog} form=${form} title=${t('people.invite')} label=${t('people.invite')} close=${close}>
      <${TextField} form=${form} name="name" label=${t('login.user')} hint=${t('people.name_hint')} required
        maxlength="64" autocapitalize="none" />
      <${SelectField} form=${form} name="role" label=${t('profile.role')} hint=${t('people.role_hint')}
        options=${roles.map((id) => [id, t(`role.${id}`)])} />
      <${SelectField} form=${form} name="account" label=${t('account')} hidden=${form.values.role === 'operator'}
        options=${state.accounts.map(({ id }) => [id, id])} />
    <//>
  `;
}

async function reset(one, reload) {
  let made;
  const act = async () => {
    made = (await call('POST', `/v1/users/${one.id}/reset`)).data;
    await reload();
  };
  const body = t('people.reset_effect', { name: one.name });
  await confirm({ title: t('people.reset'), body, yes: t('people.reset'), kind: 'danger', act });
  if (made) await open(SetupSecret, { of: made });
}

/** Shows a setup secret, which nobody sees again. */
const SetupSecret = ({ of: { name, setup_secret: secret }, close }) => html`
  <${Dialog} title=${t('people.secret_title', { name })} focus="#copy-value" close=${close}
    foot=${html`<${LeaveButton} kind="primary">${t('done')}<//>`}>
    <p>${t('people.secret_hint')}</p>
    <${SecretRow} value=${secret} label=${t('setup.secret')} />
  <//>
`;
