// @ts-check
// What is said while the sidecar cannot be reached; it is asked again until it answers.

import { html, useLayoutEffect } from './base.js';
import { call, state } from './parts/api.js';
import { Icon } from './parts/icon.js';
import { t } from './parts/text.js';

const EVERY_MS = 2000;

export function Away() {
  useLayoutEffect(() => {
    if (!state.isAway) return undefined;
    // Whoever answers, and be it with a refusal, is back.
    const again = setInterval(() => call('GET', '/v1/session', { quiet: true }).catch(() => {}), EVERY_MS);
    return () => clearInterval(again);
  }, [state.isAway]);
  return html`
    <div role="status" class=${state.isAway ? 'away' : ''}>
      ${state.isAway && html`<${Icon} name="warn" />${t('away')}`}
    </div>
  `;
}
