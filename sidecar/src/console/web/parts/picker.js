// @ts-check
// The scope: everything, or what is chosen from the catalog: two lists side by side.

import { html, useLayoutEffect, useNewId, useRef, useState } from '../base.js';
import { getAll } from './api.js';
import { Button } from './button.js';
import { Checkbox, Group, faultsOf } from './form.js';
import { step } from './menu.js';
import { ALL, axisOf, covers, isAxis, labelOf, scopeOf } from './scope.js';
import { t } from './text.js';

/** Entries of one list that are drawn; a search finds the others. */
const SHOWN_MAX = 200;

/** Whether a scope names what the catalog has not. */
export const isUnlisted = ({ isRange, entries }, catalog) =>
  isRange && catalog.length > 0 &&
  entries.some((entry) => !isAxis(entry) && !catalog.some((name) => covers(entry, name)));

/** The names of a region's catalog; none while they are on their way, or cannot be had. */
export function useCatalog(region) {
  const [catalog, setCatalog] = useState(/** @type {string[]} */ ([]));
  useLayoutEffect(() => {
    const tell = (entries) => setCatalog(entries.map(({ name }) => name));
    getAll(`/v1/catalog/${region}`, 'entries').then(tell, () => {});
  }, [region]);
  return catalog;
}

/** A field for a scope: `form.values.scope` is `{isRange, entries}`, `allow` says to take unlisted names. */
export function ScopeField({ form, catalog }) {
  const { scope, allow } = form.values;
  const name = useNewId();
  const faults = faultsOf(form, 'scope').map((fault) => itemFault(fault, scopeOf(scope)));
  const change = (changed) => form.set('scope', { ...scope, ...changed });
  const choice = (isRange, label, hint) => html`
    <label class="choice">
      <input type="radio" name=${name} checked=${scope.isRange === isRange} onChange=${() => change({ isRange })} />
      <span><b>${label}</b><span class="hint">${hint}</span></span>
    </label>
  `;
  return html`
    <${Group} form=${form} name="scope" label=${t('field.scope')} fault=${faults.join('\n')}>
      <div class="choices">
        ${choice(false, t('scope.all'), t('scope.all_hint'))}${choice(true, t('scope.range'), t('scope.range_hint'))}
      </div>
      ${scope.isRange && html`
        <${Picker} chosen=${scope.entries} catalog=${catalog} change=${(entries) => change({ entries })}
          warning=${warningOf(scope, catalog)} />
        <${Checkbox} label=${t('scope.allow_unlisted')} hidden=${!isUnlisted(scope, catalog)} checked=${allow}
          onChange=${(event) => form.set('allow', event.target.checked)} />
      `}
    <//>
  `;
}

/** What is wrong with one entry names it. */
function itemFault({ field, detail }, scope) {
  const [, axis, index] = field.match(/\.(\w+)\[(\d+)\]/) ?? [];
  return axis ? `${scope[axis]?.[Number(index)]}: ${detail}` : detail;
}

function warningOf(scope, catalog) {
  if (!scope.entries.length) return t('scope.nothing');
  return isUnlisted(scope, catalog) ? t('scope.unlisted') : '';
}

/** What can be added: names that match; what is typed, if it is a prefix or nothing matches. */
function matching(catalog, chosen, wanted) {
  const names = [ALL.models, ALL.services, ...catalog].filter((name) => !chosen.includes(name));
  const found = names.filter((name) => labelOf(name).toLowerCase().includes(wanted.toLowerCase()));
  const isNew = wanted && !chosen.includes(wanted) && (wanted.endsWith('*') || !found.length);
  return isNew ? [wanted, ...found] : found;
}

function Picker({ chosen, catalog, change, warning }) {
  const [typed, setTyped] = useState('');
  const wanted = typed.trim();
  const [said, setSaid] = useState('');
  const left = useRef(/** @type {any} */ (null));
  const all = matching(catalog, chosen, wanted);
  const drawn = all.slice(0, SHOWN_MAX);
  const shown = drawn.filter((name) => catalog.includes(name));
  const put = (entries, text) => {
    setSaid(`${text} ${t('scope.count', { n: entries.length })}`);
    change(entries);
  };
  const add = (entries) => {
    const names = entries.map(labelOf).slice(0, 3).join(', ');
    put([...chosen, ...entries], t('scope.added', { name: names }));
  };
  const remove = (entry) => put(chosen.filter((one) => one !== entry), t('scope.removed', { name: labelOf(entry) }));
  const onKey = (event) => {
    if (!['ArrowDown', 'Enter'].includes(event.key)) return;
    event.preventDefault();
    if (event.key === 'ArrowDown') return left.current.querySelector('[role=listbox]').focus();
    if (!wanted) return;
    setTyped('');
    if (all.length) add([all[0]]);
  };
  return html`
    <div class="picker">
      <div class="panes">
        <div class="pane" ref=${left}>
          <${List} label=${t('scope.available')} entries=${drawn} act=${(entry) => add([entry])}
            typed=${catalog.includes(wanted) ? '' : wanted} more=${all.length - drawn.length}
            extra=${shown.length > 0 && html`
              <${Button} kind="link" act=${() => add(shown)}>${t('scope.add_shown', { n: shown.length })}<//>
            `}>
            <input type="search" class="picker-search" placeholder=${t('scope.search')} aria-label=${t('scope.search')}
              autocomplete="off" spellcheck=${false} value=${typed} onKeyDown=${onKey}
              onInput=${(event) => setTyped(event.target.value)} />
          <//>
        </div>
        <div class="pane">
          <${List} label=${t('scope.chosen', { n: chosen.length })} entries=${chosen} act=${remove}
            extra=${chosen.length > 0 && html`
              <${Button} kind="link" act=${() => put([], t('scope.cleared'))}>${t('scope.clear')}<//>
            `} />
        </div>
      </div>
      <p class="hint warn">${warning}</p>
      <p class="sr-only" role="status">${said}</p>
    </div>
  `;
}

/** A list whose entries move when they are clicked, or chosen by Enter or Space; arrows walk. */
function List({ label, entries, act, typed = '', more = 0, extra, children = null }) {
  const [id, at] = [useNewId(), useState(0)];
  const active = Math.max(0, Math.min(at[0], entries.length - 1));
  const onKey = (event) => {
    const to = step(event, active, entries.length);
    if (to !== undefined) {
      const next = Math.max(0, Math.min(to, entries.length - 1));
      at[1](next);
      event.currentTarget.children[next]?.scrollIntoView({ block: 'nearest' });
    }
    if (!['Enter', ' '].includes(event.key)) return;
    event.preventDefault();
    if (entries.length) act(entries[active]);
  };
  const option = (entry, index) => html`
    <div key=${entry} id="${id}-${index}" role="option" aria-selected="false"
      class=${index === active ? 'option active' : 'option'} onClick=${() => act(entry)}>
      <bdi>${entry === typed ? typedWords(entry) : labelOf(entry)}</bdi>
      ${!isAxis(entry) && html`<span class="kind">${t(`scope.kind_${axisOf(entry)}`)}</span>`}
    </div>
  `;
  return html`
    <div class="pane-head"><span id=${id} class="pane-title">${label}</span>${extra}</div>
    ${children}
    <div class="options" role="listbox" tabindex="0" aria-labelledby=${id} onKeyDown=${onKey}
      aria-activedescendant=${entries.length ? `${id}-${active}` : null}>
      ${entries.map(option)}
      ${more > 0 && html`<p class="hint">${t('scope.more', { n: more })}</p>`}
    </div>
  `;
}

const typedWords = (name) => t(name.endsWith('*') ? 'scope.use_pattern' : 'scope.use_name', { name });
