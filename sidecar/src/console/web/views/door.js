// @ts-check
// Shown instead of the page while nobody is there: log in, or set a first password.

import { html, useLayoutEffect, useRef, useState } from '../base.js';
import { Button } from '../parts/button.js';
import { Form, TextField, useForm } from '../parts/form.js';
import { Icon } from '../parts/icon.js';
import { t } from '../parts/text.js';
import { LogInFields, NewPasswordField, setUp, useLogIn } from './proof.js';

/** The door; `done` hears when somebody is in. */
export function Door({ notice, wantsSetup, done }) {
  const [what, show] = useState(/** @type {any} */ ({ isSetup: wantsSetup, notice }));
  const shown = what.isSetup
    ? html`<${SetUp} key="setup" done=${done} toLogIn=${(said) => show({ isSetup: false, notice: said })} />`
    : html`<${LogIn} key="login" done=${done} notice=${what.notice} toSetUp=${() => show({ isSetup: true })} />`;
  return html`
    <main class="door" id="main">
      <div class="door-mark"><${Icon} name="key" />Latchkey</div>
      ${shown}
    </main>
  `;
}

function LogIn({ done, notice, toSetUp }) {
  const logging = useLogIn(done);
  return html`
    <${DoorCard} title=${t('login.title')} lead=${notice} other=${t('login.have_secret')} act=${toSetUp}>
      <${Form} form=${logging.form} label=${t('login.submit')} kind="primary wide-button">
        <${LogInFields} logging=${logging} />
      <//>
    <//>
  `;
}

function SetUp({ done, toLogIn }) {
  const form = useForm({ setup_secret: '', next: '' }, async ({ setup_secret: secret, next }) => {
    const { user, isIn } = await setUp(secret, next);
    // Somebody with a second factor has to give its code.
    if (isIn) done();
    else toLogIn(t('setup.done', { user }));
  });
  return html`
    <${DoorCard} title=${t('setup.title')} lead=${t('setup.lead')} other=${t('setup.back')} act=${() => toLogIn()}>
      <${Form} form=${form} label=${t('setup.title')} kind="primary wide-button">
        <${TextField} form=${form} name="setup_secret" label=${t('setup.secret')} hint=${t('setup.secret_hint')}
          required class="mono" />
        <${NewPasswordField} form=${form} />
      <//>
    <//>
  `;
}

function DoorCard({ title, lead, other, act, children }) {
  const node = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => node.current?.querySelector('input')?.focus(), []);
  return html`
    <div class="card" ref=${node}>
      <h1>${title}</h1>
      ${lead && html`<p class="lead">${lead}</p>`}
      ${children}
      <p class="door-other"><${Button} kind="link" act=${act}>${other}<//></p>
    </div>
  `;
}
