// @ts-check
// What accounts and regions have in common: a status, and an end.

import { html } from '../base.js';
import { call } from '../parts/api.js';
import { confirm } from '../parts/dialog.js';
import { Menu } from '../parts/menu.js';
import { Badge } from '../parts/small.js';
import { t } from '../parts/text.js';
import { toast } from '../parts/toast.js';

export const Status = ({ of: status }) => html`
  <${Badge} kind=${status === 'enabled' ? 'good' : ''}>${t(status)}<//>
`;

/** The acts on one that is called `name`, at `path`. */
export function Acts({ path, name, status, reload }) {
  const change = async (to) => {
    await call('PATCH', path, { body: { status: to } });
    toast(t('edit.done', { name }));
    await reload();
  };
  const sure = (title, body, yes, act) => confirm({ title, body, yes, kind: 'danger', act });
  const disable = () =>
    sure(t('disable.title', { name }), t('places.disable_effect'), t('disable.do'), () => change('disabled'));
  const remove = () => sure(t('people.delete', { name }), t('places.delete_effect'), t('delete.do'), async () => {
    await call('DELETE', path);
    await reload();
  });
  const items = [
    status === 'enabled' ? [t('disable.do'), disable] : [t('people.enable'), () => change('enabled')],
    [t('delete.do'), remove, 'danger'],
  ];
  return html`<${Menu} label=${t('keys.more', { name })} items=${items} />`;
}
