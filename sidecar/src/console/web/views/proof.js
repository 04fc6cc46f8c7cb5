// @ts-check
// Who somebody is: the fields that prove it, and the dialogs that ask.

import { call, loadSession, state, userName } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { FormDialog, open } from '../parts/dialog.js';
import { TextField, rethrow, useForm } from '../parts/form.js';
import { html, useLayoutEffect, useState } from '../base.js';
import { t } from '../parts/text.js';

export const PasswordField = (props) => html`
  <${TextField} type="password" name="password" autocomplete="current-password" required ...${props} />
`;

export const NewPasswordField = (props) => html`
  <${TextField} type="password" name="next" as="new-password" field="password" label=${t('profile.next')}
    hint=${t('setup.password_hint')} autocomplete="new-password" required minlength="12" maxlength="256" ...${props} />
`;

export const CodeField = (props) => html`
  <${TextField} name="totp" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}" maxlength="6"
    required class="code-input" label=${t('login.code')} ...${props} />
`;

/** Tells a password manager whose password it is. */
export const NameForManagers = () => html`<input autocomplete="username" value=${userName()} readonly hidden />`;

async function logIn(user, password, totp) {
  await call('POST', '/v1/session', { body: { user, password, totp }, quiet: true });
  await loadSession();
}

/** Sets the first password, and logs in with it; false: that takes more, a second factor's code. */
export async function setUp(secret, password) {
  const body = { setup_secret: secret.trim(), password };
  const refused = (problem) => rethrow(problem, 'unauthorized', 'setup_secret', t('setup.wrong'));
  const { data } = await call('POST', '/v1/setup', { body, quiet: true }).catch(refused);
  return { user: data.user, isIn: await logIn(data.user, password, undefined).then(() => true, () => false) };
}

/** The state of a log-in; `needsCode`: the name has a second factor. */
export function useLogIn(done, known = '') {
  const [needsCode, setNeedsCode] = useState(false);
  const form = useForm({ user: known, password: '', totp: '' }, async ({ user, password, totp }) => {
    try {
      await logIn(user, password, needsCode ? totp : undefined);
    } catch (problem) {
      if (problem.kind === 'unauthorized') problem.kind = 'login-refused';
      if (problem.kind !== 'code-required') throw problem;
      return setNeedsCode(true);
    }
    done();
  });
  useLayoutEffect(() => {
    const field = form.node.current?.querySelector('[name=totp]');
    if (needsCode) /** @type {HTMLElement} */ (field).focus();
  }, [needsCode]);
  return { form, needsCode, known };
}

export const LogInFields = ({ logging: { form, needsCode, known } }) => html`
  <${TextField} form=${form} name="user" label=${t('login.user')} autocomplete="username" required
    readonly=${known !== ''} autocapitalize="none" />
  <${PasswordField} form=${form} label=${t('login.password')} />
  ${needsCode && html`<${CodeField} form=${form} />`}
`;

/** Asks for a log-in again, above what was being done; true: they are back. */
export const logInAgain = () => open(LogInAgain).then(Boolean);

function LogInAgain({ close }) {
  const logging = useLogIn(() => close(true), userName());
  return html`
    <${FormDialog} form=${logging.form} title=${t('login.again')} label=${t('login.submit')} close=${close}>
      <p>${t('login.again_why')}</p>
      <${LogInFields} logging=${logging} />
    <//>
  `;
}

/** What a form needs to ask for a proof: values to begin with, and `prove(values)`, which gives it. */
export const proofValues = { password: '', totp: '', byCode: false };

/** For which kind of act the last proof was, empty if that is not known, and until when it serves. The sidecar has
 * the last word. */
let last = { kind: '', until: 0 };
const isProved = (kind) => kind !== '' && last.kind === kind && Date.now() < last.until;

export async function prove({ byCode, password, totp }, kind) {
  if (isProved(kind)) return;
  const body = byCode ? { totp } : { password };
  const refused = (problem) => rethrow(problem, 'verification-refused', Object.keys(body)[0], t('proof.wrong'));
  const { data } = await call('POST', '/v1/verifications', { body }).catch(refused);
  last = { kind, until: Date.parse(data.expires_at) };
}

/** The fields of a proof of identity; nothing as long as the last one serves for this kind of act. */
export function ProofFields({ form, kind }) {
  const [isAsked] = useState(() => !isProved(kind));
  const { byCode } = form.values;
  const swap = () => form.set('byCode', !byCode);
  return isAsked && html`
    <div class="proof">
      <${NameForManagers} />
      ${byCode
        ? html`<${CodeField} form=${form} />`
        : html`<${PasswordField} form=${form} label=${t('proof.password')} />`}
      ${state.session?.totp && html`
        <${Button} kind="link" act=${swap}>${t(byCode ? 'proof.use_password' : 'proof.use_code')}<//>
      `}
    </div>
  `;
}

/** Asks for a proof for a kind of act, in a dialog that says what for; true: it was given, and `then` has used it. */
export async function askProof(kind, title = t('proof.title'), why = t('proof.why'), then = async () => {}) {
  if (!isProved(kind)) return open(AskProof, { kind, title, why, then }).then(Boolean);
  await then();
  return true;
}

function AskProof({ kind, title, why, then, close }) {
  const form = useForm(proofValues, async (values) => {
    await prove(values, kind);
    await then();
    close(true);
  });
  return html`
    <${FormDialog} form=${form} title=${title} label=${t('proof.confirm')} close=${close}>
      <p>${why}</p>
      <${ProofFields} form=${form} kind=${kind} />
    <//>
  `;
}
