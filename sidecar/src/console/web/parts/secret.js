// @ts-check
// Secrets: into the clipboard and out of it again, and the box that shows one once.

import { html, useState } from '../base.js';
import { Button } from './button.js';
import { t } from './text.js';

/** How long a copy stays in the clipboard, as far as this page can tell, in seconds. */
export const CLEAR_AFTER_S = 60;

/** Puts a secret into the clipboard, and takes it out after a while if nothing can have been copied elsewhere.
 * False: the browser does not allow it. */
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return false;
  }
  const timer = setTimeout(() => clearClipboard().catch(() => {}), CLEAR_AFTER_S * 1000);
  for (const event of ['blur', 'copy', 'cut']) addEventListener(event, () => clearTimeout(timer), { once: true });
  return true;
}

export const clearClipboard = () => navigator.clipboard.writeText('');

/** A button that copies `text`, and says whether it did; `done` hears of it. */
export function CopyButton({ text, done = () => {}, children, ...props }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    const isCopied = await toClipboard(text);
    setSaid(t(isCopied ? 'copy.copied' : 'copy.failed'));
    if (isCopied) done();
  };
  return html`
    <${Button} picture="copy" ...${props} act=${copy}>${children}<//>
    <span class="hint" role="status">${said}</span>
  `;
}

/** A secret in a box, with its copy button. */
export const SecretRow = ({ value, label, done = () => {} }) => html`
  <div class="value-row">
    <input class="mono value" aria-label=${label} readonly spellcheck=${false} value=${value}
      onFocus=${(event) => event.target.select()} onCopy=${done} />
    <${CopyButton} id="copy-value" kind="primary" text=${value} done=${done}>${t('copy.copy')}<//>
  </div>
`;
