// @ts-check
// What the gate would say to a call with a key, asked without making one.

import { html, useState } from '../base.js';
import { call } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { Badge } from '../parts/small.js';
import { t } from '../parts/text.js';

export function TryIt({ of: id, model }) {
  const [verdict, setVerdict] = useState(/** @type {any} */ (null));
  const ask = async () => {
    const body = { method: 'POST', path: '/v1/chat/completions', model };
    setVerdict((await call('POST', `/v1/keys/${id}/check`, { body })).data);
  };
  const isIn = verdict?.decision === 'permit';
  return html`
    <div class="inline try-it">
      <${Button} act=${ask}>${t('try.ask')}<//>
      <span role="status">
        ${verdict && html`
          <${Badge} kind=${isIn ? 'good' : 'bad'}>
            ${isIn ? t('try.permit', { model }) : t('try.deny', { status: verdict.status, code: verdict.code })}
          <//>
          ${!isIn && html`<span class="hint">${verdict.reason}</span>`}
        `}
      </span>
    </div>
  `;
}
