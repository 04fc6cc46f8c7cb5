// @ts-check
// The shelf at the edge of the page, on which is shown what is told.

import { html, render } from '../base.js';
import { Button, IconButton } from './button.js';
import { Icon } from './icon.js';
import { t } from './text.js';
import { shelf } from './toast.js';

const place = document.body.appendChild(document.createElement('div'));
place.className = 'toasts';
place.setAttribute('role', 'status');
place.popover = 'manual';

shelf.show = (toasts) => {
  // Opened anew, it stands above a dialog that was opened meanwhile.
  if (place.matches(':popover-open')) place.hidePopover();
  render(html`${toasts.map((one) => html`<${Toast} key=${one.id} one=${one} />`)}`, place);
  if (toasts.length) place.showPopover();
};

function Toast({ one }) {
  const takeBack = async () => {
    one.leave();
    await one.undo();
  };
  return html`
    <div class="toast ${one.kind}">
      <${Icon} name=${one.kind === 'good' ? 'check' : 'warn'} />
      <p>${one.text}</p>
      ${one.undo && html`<${Button} kind="quiet" act=${takeBack}>${one.label}<//>`}
      <${IconButton} label=${t('close')} picture="cross" act=${one.leave} />
    </div>
  `;
}
