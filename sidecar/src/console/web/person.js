// Who somebody is: log-in, first password, proof of identity, second factor.

import { call, loadSession, state, userName } from './api.js';
import { confirm, field, form, formDialog, input, openDialog, rethrow } from './form.js';
import { h, icon, s } from './h.js';
import { t } from './text.js';
import { badge, button, card, code, page, toast } from './ui.js';

const password = (props) => input({ type: 'password', name: 'password', autocomplete: 'current-password', required: true, ...props });
const newPassword = () => password({ name: 'new-password', autocomplete: 'new-password', minlength: '12', maxlength: '256' });
const codeInput = (props) => input({ name: 'totp', inputmode: 'numeric', autocomplete: 'one-time-code', pattern: '[0-9]{6}', maxlength: '6', required: true, class: 'code-input', ...props });

/** Shown instead of the page while nobody is there; resolves when somebody is. */
export function door(root, notice, wantsSetup) {
  return new Promise((resolve) => {
    const show = (title, lead, content, other, act) => {
      content.append(content.button);
      content.button.classList.add('wide-button');
      const card = h('div', { class: 'card' }, h('h1', null, title), lead && h('p', { class: 'lead' }, lead), content, h('p', { class: 'door-other' }, button(other, act, { kind: 'link' })));
      root.replaceChildren(h('main', { class: 'door', id: 'main' }, h('div', { class: 'door-mark' }, icon('key'), 'Latchkey'), card));
      root.querySelector('input').focus();
    };
    const logIn = (note) => show(t('login.title'), note, logInForm(resolve), t('login.have_secret'), setUp);
    const setUp = () => show(t('setup.title'), t('setup.lead'), setUpForm(resolve, logIn), t('setup.back'), () => logIn());
    if (wantsSetup) setUp();
    else logIn(notice);
  });
}

/** Log in again, above what was being done. */
export async function logInAgain() {
  const dialog = openDialog(t('login.again'));
  let isBack = false;
  const again = logInForm(() => { isBack = true; dialog.close(); }, userName());
  dialog.show(t('login.again'), [h('p', null, t('login.again_why')), again], [button(t('cancel'), dialog.leave), again.button]);
  again.querySelector('input:not([readonly])').focus();
  await dialog.closed;
  return isBack;
}

function logInForm(done, known = '') {
  const [user, secret, factor] = [input({ name: 'user', autocomplete: 'username', required: true, value: known, readonly: known !== '', autocapitalize: 'none' }), password(), codeInput({ disabled: true })];
  const factorField = field('totp', t('login.code'), factor);
  factorField.hidden = true;
  return form([field('user', t('login.user'), user), field('password', t('login.password'), secret), factorField], t('login.submit'), async () => {
    try {
      await logIn(user.value, secret.value, factor.disabled ? undefined : factor.value);
    } catch (problem) {
      if (problem.kind === 'unauthorized') problem.kind = 'login-refused';
      if (problem.kind !== 'code-required') throw problem;
      factorField.hidden = factor.disabled = false;
      return factor.focus();
    }
    done();
  });
}

async function logIn(user, secret, totp) {
  await call('POST', '/v1/session', { body: { user, password: secret, totp }, quiet: true });
  await loadSession();
}

function setUpForm(done, goLogIn) {
  const [secret, next] = [input({ name: 'setup_secret', required: true, class: 'mono' }), newPassword()];
  const fields = [field('setup_secret', t('setup.secret'), secret, { hint: t('setup.secret_hint') }), field('password', t('profile.next'), next, { hint: t('setup.password_hint') })];
  return form(fields, t('setup.title'), async () => {
    const body = { setup_secret: secret.value.trim(), password: next.value };
    const { data } = await call('POST', '/v1/setup', { body, quiet: true }).catch((problem) => rethrow(problem, 'unauthorized', 'setup_secret', t('setup.wrong')));
    // Somebody with a second factor has to give its code.
    await logIn(data.user, next.value).then(done, () => goLogIn(t('setup.done', { user: data.user })));
  });
}

/** Tells a password manager whose it is. */
const nameForManagers = () => input({ autocomplete: 'username', value: userName(), hidden: true });

/** The fields of a proof of identity, and `prove()`, which gives it to the sidecar. */
export function proofFields() {
  const [secret, factor] = [password(), codeInput()];
  const [byPassword, byCode] = [field('password', t('proof.password'), secret), field('totp', t('login.code'), factor)];
  const choose = (isCode) => {
    secret.disabled = byPassword.hidden = isCode;
    factor.disabled = byCode.hidden = !isCode;
    swap.textContent = t(isCode ? 'proof.use_password' : 'proof.use_code');
  };
  const swap = button('', () => choose(factor.disabled), { kind: 'link' });
  choose(false);
  const prove = async () => {
    const [means, control] = factor.disabled ? ['password', secret] : ['totp', factor];
    await call('POST', '/v1/verifications', { body: { [means]: control.value } }).catch((problem) => rethrow(problem, 'verification-refused', means, t('proof.wrong')));
  };
  return { node: h('div', { class: 'proof' }, nameForManagers(), byPassword, byCode, state.session?.totp && swap), prove };
}

/** Asks for a proof, in a dialog that says what for; true: it was given, and `then` has used it. */
export async function askProof(title = t('proof.title'), why = t('proof.why'), then = async () => {}) {
  const proof = proofFields();
  let isGiven = false;
  await formDialog(title, [h('p', null, why), proof.node], t('proof.confirm'), async () => {
    await proof.prove();
    await then();
    isGiven = true;
  });
  return isGiven;
}

export async function view({ leave }) {
  await loadSession();
  const lead = [userName(), t(`role.${state.session.role}`), state.session.account].filter(Boolean).join(' · ');
  return page(t('nav.profile'), { lead }, h('div', { class: 'cards' }, passwordCard(leave), factorCard()));
}

function passwordCard(leave) {
  const [current, next] = [password(), newPassword()];
  const changing = form([nameForManagers(), field('current', t('profile.current'), current), field('password', t('profile.next'), next, { hint: t('setup.password_hint') })], t('profile.change'), async () => {
    const body = { current: current.value, password: next.value };
    await call('POST', '/v1/me/password', { body }).catch((problem) => rethrow(problem, 'verification-refused', 'current', t('proof.wrong')));
    leave(t('profile.changed'));
  });
  changing.append(changing.button);
  return card(t('login.password'), h('p', { class: 'hint' }, t('profile.password_hint')), changing);
}

function factorCard() {
  const isOn = state.session.totp;
  const redraw = async (said) => { toast(said); await loadSession(); node.replaceWith(factorCard()); };
  const act = isOn ? button(t('remove'), () => removeFactor(redraw), { kind: 'danger-plain' }) : button(t('totp.enroll'), () => enroll(redraw), { kind: 'primary' });
  const node = card(t('people.factor'), h('p', null, badge(t(isOn ? 'totp.on' : 'totp.off'), isOn ? 'good' : ''), ' ', t(isOn ? 'totp.on_hint' : 'totp.off_hint')), act);
  return node;
}

async function enroll(redraw) {
  let drawn;
  await askProof(t('totp.enroll'), t('proof.why'), async () => { drawn = (await call('POST', '/v1/me/totp')).data; });
  if (!drawn) return;
  const first = codeInput();
  const seed = h('p', { class: 'hint' }, t('totp.by_hand'), ' ', code(drawn.seed));
  await formDialog(t('totp.enroll'), [h('p', null, t('totp.scan')), qrPicture(drawn.qr), seed, field('totp', t('totp.first_code'), first)], t('totp.confirm'), async () => {
    await call('PUT', '/v1/me/totp', { body: { totp: first.value } }).catch((problem) => rethrow(problem, 'verification-refused', 'totp', t('totp.wrong')));
    await redraw(t('totp.enrolled'));
  });
}

/** A QR code from its rows, `1` for a dark square. */
function qrPicture(rows) {
  const size = rows.length + 8;
  const squares = rows.flatMap((row, y) => [...row].map((dark, x) => (dark === '1' ? `M${x + 4} ${y + 4}h1v1h-1z` : '')));
  return s('svg', { class: 'qr', viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': t('totp.qr'), 'shape-rendering': 'crispEdges' }, s('rect', { width: size, height: size, fill: '#fff' }), s('path', { d: squares.join('') }));
}

async function removeFactor(redraw) {
  const act = () => call('DELETE', '/v1/me/totp');
  if (await confirm({ title: t('totp.remove'), body: t('totp.remove_why'), yes: t('remove'), kind: 'danger', act })) await redraw(t('totp.removed'));
}
