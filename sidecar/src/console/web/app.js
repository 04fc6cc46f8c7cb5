// @ts-check
// The page: who is there, where they are, and the view that they have asked for.

import { html, render, useLayoutEffect, useState } from './base.js';
import { ask, hear, loadPlaces, loadSession, state } from './parts/api.js';
import { Button } from './parts/button.js';
import { closeAll } from './parts/dialog.js';
import { Empty } from './parts/small.js';
import { loadTexts, t } from './parts/text.js';
import { explain } from './parts/toast.js';
import './parts/toasts.js';
import { keepFocus } from './focus.js';
import { Shell } from './shell.js';
import { Door } from './views/door.js';
import { askProof, logInAgain } from './views/proof.js';

/** One question at a time: calls that are refused together wait for the same answer. */
function oneAtATime(question) {
  let open = null;
  return () => (open ??= question().finally(() => { open = null; }));
}

ask.login = oneAtATime(logInAgain);
ask.proof = oneAtATime(() => askProof(''));

function App() {
  const [phase, setPhase] = useState(/** @type {any} */ ({ name: 'loading' }));
  const [, setTurn] = useState(0);
  hear.changed = () => setTurn((turn) => turn + 1);
  const begin = async (notice = '') => {
    try {
      await loadTexts();
      if (!(await loadSession())) return setPhase({ name: 'door', notice });
      await enter();
    } catch (problem) {
      setPhase({ name: 'failed', problem });
    }
  };
  const enter = async () => {
    await loadPlaces();
    if (location.hash === '#/setup') history.replaceState(null, '', '#/keys');
    setPhase({ name: 'in' });
  };
  /** After a log-out, or a new password: nobody is there. */
  const leave = (notice) => {
    state.session = null;
    closeAll();
    return begin(notice);
  };
  useLayoutEffect(() => void begin(), []);
  if (phase.name === 'loading') return null;
  if (phase.name === 'door') {
    const done = () => enter().catch((problem) => setPhase({ name: 'failed', problem }));
    return html`<${Door} notice=${phase.notice} wantsSetup=${location.hash === '#/setup'} done=${done} />`;
  }
  if (phase.name === 'in') return html`<${Shell} leave=${leave} />`;
  return html`
    <${Empty} picture="warn" title=${t('failed')}>
      <p>${explain(phase.problem)}</p><${Button} act=${() => begin()}>${t('retry')}<//>
    <//>
  `;
}

keepFocus();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('root')));
