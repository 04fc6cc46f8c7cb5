// @ts-check
// How keys are looked for: by what one knows of them, or by a whole value that somebody has found.

import { html, useLayoutEffect, useRef, useState } from '../base.js';
import { call, state } from '../parts/api.js';
import { Select } from '../parts/form.js';
import { Icon } from '../parts/icon.js';
import { t } from '../parts/text.js';
import { SORTS } from './key-table.js';

const WAIT_MS = 200;

/** A whole value, as scanners know it. */
const isValue = (text) => /^[a-z][a-z0-9]*-(?:[a-z0-9]+-)*[0-9A-Za-z]{46,}$/.test(text);

/** Finds the key that has a value: its id, or nothing. The value goes into no address and is not kept. */
async function idOf(value) {
  try {
    return (await call('POST', '/v1/keys/lookup', { body: { account: state.account, key: value } })).data.id;
  } catch (problem) {
    if (problem.status !== 404) throw problem;
    return null;
  }
}

/** What is typed into the search, and what becomes of it. */
function useTyped(wanted, search, fail) {
  const [typed, setTyped] = useState(wanted);
  const [said, setSaid] = useState('');
  const [wait, sent, now, latest] = [useRef(0), useRef(wanted), useRef(wanted), useRef(search)];
  latest.current = search;
  useLayoutEffect(() => {
    if (wanted !== sent.current) setTyped((sent.current = wanted));
  }, [wanted]);
  const stop = () => {
    clearTimeout(wait.current);
    now.current = null;
  };
  useLayoutEffect(() => stop, []);
  const look = async (text) => {
    if (!isValue(text)) return latest.current((sent.current = text));
    const id = await idOf(text).catch(fail);
    // What was typed meanwhile is looked for instead.
    if (now.current !== text) return;
    setTyped((sent.current = id ?? ''));
    setSaid(t(id ? 'keys.value_found' : 'keys.value_unknown'));
    latest.current(sent.current);
  };
  const type = ({ target: { value } }) => {
    setTyped(value);
    setSaid('');
    clearTimeout(wait.current);
    now.current = value.trim();
    wait.current = setTimeout(() => look(now.current), WAIT_MS);
  };
  return { typed, type, said };
}

/** The search and the filters of a list of keys. */
export function KeySearch({ query, search, fail, children }) {
  const { typed, type, said } = useTyped(query.search ?? '', (text) => search({ search: text }), fail);
  const pick = (name, label, options, kind = '') => html`
    <${Select} aria-label=${label} class=${kind} options=${options} value=${query[name] ?? ''}
      onChange=${(event) => search({ [name]: event.target.value })} />
  `;
  const sorts = Object.keys(SORTS).flatMap((name) => [name, `-${name}`]);
  const unused = [7, 30, 90].map((n) => [String(n), t('keys.unused', { n })]);
  const origins = ['coding_plan', 'token_plan'].map((id) => [id, t(`origin.${id}`)]);
  const statuses = ['enabled', 'disabled'].map((id) => [id, t(id)]);
  return html`
    <div class="filters" role="search">
      <div class="search">
        <${Icon} name="search" />
        <input type="search" placeholder=${t('keys.search')} aria-label=${t('keys.search')}
          title=${t('keys.search_hint')} autocomplete="off" spellcheck=${false} value=${typed} onInput=${type} />
      </div>
      ${pick('status', t('keys.status'), [['', t('keys.any_status')], ...statuses])}
      ${pick('unused_for_days', t('nav.usage'), [['', t('keys.any_usage')], ...unused])}
      ${pick('origin', t('keys.origin'), [['', t('origin.standard')], ...origins])}
      ${pick('sort', t('keys.sort'), sorts.map((id) => [id, t(`sort.${id}`)]), 'narrow-only')}
      ${children}
    </div>
    <p class="hint" role="status">${said}</p>
  `;
}
