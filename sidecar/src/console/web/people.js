// The people who may log in: invite, disable, reset, delete.

import { call, get, isOperator, onceOnly, state, userName } from './api.js';
import { confirm, field, formDialog, input, openDialog, select } from './form.js';
import { h, words } from './h.js';
import { secretRow } from './key-acts.js';
import { t } from './text.js';
import { actionColumn, badge, button, listPage, menu, relative, table, toast } from './ui.js';

export function view() {
  const node = listPage(t('nav.people'), { actions: button(t('people.invite'), () => invite(node.reload), { kind: 'primary', picture: 'plus' }) }, async (load) => {
    const { users } = await get('/v1/users');
    const columns = [t('login.user'), t('profile.role'), t('account'), t('keys.status'), t('people.factor'), t('people.seen'), actionColumn()];
    return table(t('nav.people'), columns, users.map((one) => row(one, load)));
  });
  return node;
}

function row(one, load) {
  const isOn = one.status === 'enabled';
  const status = one.password_set ? badge(t(one.status), isOn ? 'good' : '') : badge(t('people.invited'), 'warn');
  const change = async (body) => { await call('PATCH', `/v1/users/${one.id}`, { body }); toast(t('edit.done', { name: one.name })); await load(); };
  const acts = one.name !== userName() && menu(t('keys.more', { name: one.name }), [
    [t(isOn ? 'disable.do' : 'people.enable'), () => change({ status: isOn ? 'disabled' : 'enabled' })],
    [t('people.reset'), () => reset(one, load)],
    [t('delete.do'), () => remove(one, load), 'danger'],
  ]);
  return [words(one.name), t(`role.${one.role}`), one.account, status, t(one.totp ? 'totp.on' : 'totp.off'), relative(one.last_login_at), acts];
}

async function invite(load) {
  const name = input({ required: true, maxlength: '64', autocapitalize: 'none' });
  const role = select(['viewer', 'owner', isOperator() && 'operator'].filter(Boolean).map((id) => [id, t(`role.${id}`)]));
  const account = select(state.accounts.map(({ id }) => [id, id]), state.account);
  const accountField = field('account', t('account'), account);
  role.addEventListener('change', () => { accountField.hidden = role.value === 'operator'; });
  const once = onceOnly();
  await formDialog(t('people.invite'), [field('name', t('login.user'), name, { hint: t('people.name_hint') }), field('role', t('profile.role'), role, { hint: t('people.role_hint') }), accountField], t('people.invite'), async (dialog) => {
    const body = { name: name.value, role: role.value, account: role.value === 'operator' ? undefined : account.value };
    const { data } = await call('POST', '/v1/users', { body, once });
    await load();
    return showSecret(dialog, data);
  });
}

async function reset(one, load) {
  let made;
  const act = async () => { made = (await call('POST', `/v1/users/${one.id}/reset`)).data; await load(); };
  await confirm({ title: t('people.reset'), body: t('people.reset_effect', { name: one.name }), yes: t('people.reset'), kind: 'danger', act });
  if (made) showSecret(openDialog(t('people.reset')), made);
}

/** Shows a setup secret, which nobody sees again. */
function showSecret(dialog, { name, setup_secret: secret }) {
  dialog.show(t('people.secret_title', { name }), [h('p', null, t('people.secret_hint')), ...secretRow(secret, t('setup.secret'))], button(t('done'), dialog.leave, { kind: 'primary' }));
  return dialog;
}

async function remove(one, load) {
  const act = async () => { await call('DELETE', `/v1/users/${one.id}`); await load(); };
  await confirm({ title: t('people.delete', { name: one.name }), body: t('people.ends'), yes: t('delete.do'), kind: 'danger', act });
}
