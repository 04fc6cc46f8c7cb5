// @ts-check
// A table, one home for all. Where there is no room for columns, its rows are laid out as cards.

import { html } from '../base.js';
import { Icon } from './icon.js';
import { t } from './text.js';

/** A table; `kind`: `many` columns need more room; `columns` are texts or `{name, class, head, sort}`; `rows`
 * are `{key, cells, ...props}`. Roles are said, since a layout as cards takes them away. */
export function Table({ label, columns, rows, kind = '' }) {
  const named = columns.map((column) => (typeof column === 'string' ? { name: column } : column));
  const cell = (content, at) => html`
    <td role="cell" class=${named[at].class} data-label=${named[at].name}>
      <div class="cell">${content || content === 0 ? content : '–'}</div>
    </td>
  `;
  return html`
    <div class="table-frame ${kind}" ...${kind && { tabindex: '0', role: 'region', 'aria-label': label }}>
      <table role="table" aria-label=${label}>
        <thead role="rowgroup"><tr role="row">${named.map((column) => html`<${Head} ...${column} />`)}</tr></thead>
        <tbody role="rowgroup">
          ${rows.map(({ key, cells, ...props }) => html`
            <tr role="row" key=${key} ...${props}>${cells.map(cell)}</tr>
          `)}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {any} column */
const Head = ({ name, class: kind = '', head = null, sort = null }) => html`
  <th role="columnheader" scope="col" class=${kind} aria-sort=${sort?.direction}>
    ${sort ? html`<${Sorter} name=${name} ...${sort} />` : head ?? name}
  </th>
`;

/** Sorts by a column; `direction`: ascending, descending or nothing. */
const Sorter = ({ name, direction, act }) => html`
  <button type="button" class="button sort" onClick=${act}>
    ${name}${direction && html`<${Icon} name=${direction === 'ascending' ? 'up' : 'down'} />`}
  </button>
`;

/** The last column, for what one can do with a row. */
export const actionColumn = () => ({
  name: t('keys.actions'), class: 'fit end', head: html`<span class="sr-only">${t('keys.actions')}</span>`,
});
