// @ts-check
// Your log-in: password, second factor, sessions.

import { call, get, loadSession, state, userName } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { ask, confirm } from '../parts/dialog.js';
import { Form, rethrow, useForm } from '../parts/form.js';
import { html } from '../base.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Badge, Card, Code, Relative, Stamp } from '../parts/small.js';
import { Table, actionColumn } from '../parts/table.js';
import { t } from '../parts/text.js';
import { toast } from '../parts/toast.js';
import { AccessKeysCard, TokensCard } from './credentials.js';
import { CodeField, NameForManagers, NewPasswordField, PasswordField, askProof } from './proof.js';

export function View({ leave }) {
  const session = useLoad(loadSession, []);
  const lead = [userName(), t(`role.${state.session.role}`), state.session.account].filter(Boolean).join(' · ');
  return html`
    <${Page} title=${t('nav.profile')} lead=${lead}>
      <${Loaded} of=${session} kind="cards">${() => html`
        <${PasswordCard} leave=${leave} />
        <${FactorCard} reload=${session.reload} />
        <${SessionsCard} />
        <${TokensCard} />
        <${AccessKeysCard} />
      `}<//>
    <//>
  `;
}

function PasswordCard({ leave }) {
  const form = useForm({ current: '', next: '' }, async ({ current, next }) => {
    const refused = (problem) => rethrow(problem, 'verification-refused', 'current', t('proof.wrong'));
    await call('POST', '/v1/me/password', { body: { current, password: next } }).catch(refused);
    leave(t('profile.changed'));
  });
  return html`
    <${Card} title=${t('login.password')}>
      <p class="hint">${t('profile.password_hint')}</p>
      <${Form} form=${form} label=${t('profile.change')}>
        <${NameForManagers} />
        <${PasswordField} form=${form} name="current" as="password" label=${t('profile.current')} />
        <${NewPasswordField} form=${form} />
      <//>
    <//>
  `;
}

function FactorCard({ reload }) {
  const isOn = state.session.totp;
  const told = async (said) => {
    toast(said);
    await reload();
  };
  return html`
    <${Card} title=${t('people.factor')}>
      <p>
        <${Badge} kind=${isOn ? 'good' : ''}>${t(isOn ? 'totp.on' : 'totp.off')}<//>${' '}
        ${t(isOn ? 'totp.on_hint' : 'totp.off_hint')}
      </p>
      ${isOn
        ? html`<${Button} kind="danger-plain" act=${() => removeFactor(told)}>${t('remove')}<//>`
        : html`<${Button} kind="primary" act=${() => enroll(told)}>${t('totp.enroll')}<//>`}
    <//>
  `;
}

/** The reader's sessions; each but this one can be ended. */
function SessionsCard() {
  const loading = useLoad(() => get('/v1/me/sessions'), []);
  const end = async ({ id }) => {
    await call('DELETE', `/v1/me/sessions/${id}`);
    toast(t('profile.session_ended'));
    await loading.reload();
  };
  const row = (one) => ({
    key: one.id,
    cells: [
      html`<${Stamp} at=${one.created_at} />`,
      one.address && html`<${Code}>${one.address}<//>`,
      html`<${Relative} at=${one.expires_at} />`,
      one.current
        ? html`<${Badge} kind="good">${t('profile.this_session')}<//>`
        : html`<${Button} kind="small" act=${() => end(one)}>${t('profile.end_session')}<//>`,
    ],
  });
  const columns = [t('profile.begun'), t('profile.address'), t('field.expiry'), actionColumn()];
  return html`
    <${Card} title=${t('profile.sessions')}>
      <${Loaded} of=${loading}>${({ sessions }) => html`
        <${Table} label=${t('profile.sessions')} columns=${columns} rows=${sessions.map(row)} />
      `}<//>
    <//>
  `;
}

async function enroll(told) {
  let drawn;
  const draw = async () => { drawn = (await call('POST', '/v1/me/totp')).data; };
  await askProof('factor', t('totp.enroll'), t('proof.why'), draw);
  if (!drawn) return;
  const isOn = await ask({
    title: t('totp.enroll'), label: t('totp.confirm'), initial: { totp: '' },
    fields: (form) => html`
      <p>${t('totp.scan')}</p>
      <${QrPicture} rows=${drawn.qr} />
      <p class="hint">${t('totp.by_hand')}${' '}<${Code}>${drawn.seed}<//></p>
      <${CodeField} form=${form} label=${t('totp.first_code')} />
    `,
    send: ({ totp }) => call('PUT', '/v1/me/totp', { body: { totp } }).catch((problem) =>
      rethrow(problem, 'verification-refused', 'totp', t('totp.wrong'))),
  });
  if (isOn) await told(t('totp.enrolled'));
}

/** A QR code from its rows, `1` for a dark square. */
function QrPicture({ rows }) {
  const size = rows.length + 8;
  const square = (y) => (dark, x) => (dark === '1' ? `M${x + 4} ${y + 4}h1v1h-1z` : '');
  const squares = rows.flatMap((row, y) => [...row].map(square(y)));
  return html`
    <svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label=${t('totp.qr')} shape-rendering="crispEdges">
      <rect width=${size} height=${size} fill="#fff" /><path d=${squares.join('')} />
    </svg>
  `;
}

async function removeFactor(told) {
  const act = () => call('DELETE', '/v1/me/totp');
  const question = { title: t('totp.remove'), body: t('totp.remove_why'), yes: t('remove'), kind: 'danger', act };
  if (await confirm(question)) await told(t('totp.removed'));
}
