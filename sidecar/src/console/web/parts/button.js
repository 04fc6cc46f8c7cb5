// @ts-check
// Buttons. One that does something is busy while it does it, and a failure is told.

import { html, useRef, useState } from '../base.js';
import { Icon } from './icon.js';
import { explain, toast } from './toast.js';

/** Runs `act` once at a time; gives whether it runs, and the handler. */
export function useBusy(act) {
  const [isBusy, setBusy] = useState(false);
  const runs = useRef(false);
  const run = async (event) => {
    if (runs.current) return;
    runs.current = true;
    setBusy(true);
    try {
      await act(event);
    } catch (problem) {
      toast(explain(problem), { kind: 'bad' });
    } finally {
      runs.current = false;
      setBusy(false);
    }
  };
  return { isBusy, run };
}

/** A button; `kind`: primary, danger, plain or quiet. */
export function Button({ act = undefined, kind = 'plain', picture = undefined, isBusy = false, children, ...props }) {
  const own = useBusy(act);
  const busy = isBusy || own.isBusy ? 'true' : null;
  return html`
    <button type="button" onClick=${act && own.run} ...${props} class="button ${kind}" aria-busy=${busy}>
      ${picture && html`<${Icon} name=${picture} />`}${children}
    </button>
  `;
}

/** A button that shows a picture only; `label` is its name. */
export const IconButton = ({ label, kind = '', ...props }) => html`
  <${Button} kind="quiet square ${kind}" aria-label=${label} title=${label} ...${props} />
`;
