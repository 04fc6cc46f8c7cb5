// @ts-check
// The frame around each view: where one can go, in which account and region, and who is there.

import { Away } from './away.js';
import { html, useEvent, useLayoutEffect, useRef, useState } from './base.js';
import { call, choose, hear, isOperator, may, state, userName } from './parts/api.js';
import { Button, IconButton } from './parts/button.js';
import { Select } from './parts/form.js';
import { Icon } from './parts/icon.js';
import { Page } from './parts/page.js';
import { Switcher } from './parts/switcher.js';
import { LANGUAGES, language, loadTexts, t } from './parts/text.js';
import { View as Accounts } from './views/accounts.js';
import { View as Advice } from './views/advice.js';
import { View as Audit } from './views/audit.js';
import { View as Catalog } from './views/catalog.js';
import { View as Fleet } from './views/fleet.js';
import { View as KeyPage } from './views/key-page.js';
import { View as Keys } from './views/keys.js';
import { View as Limits } from './views/limits.js';
import { View as People } from './views/people.js';
import { View as Profile } from './views/profile.js';
import { View as Regions } from './views/regions.js';
import { View as Usage } from './views/usage.js';

/** Views by the first word of the address: their picture, who sees them in the list, and what they show. All are
 * loaded at once, so that each is there when the sidecar is not.
 * @type {Record<string, [string, () => boolean, any]>} */
const VIEWS = {
  keys: ['key', () => true, Keys],
  usage: ['chart', () => true, Usage],
  advice: ['bulb', () => true, Advice],
  audit: ['list', () => may('admin'), Audit],
  catalog: ['box', () => true, Catalog],
  fleet: ['server', () => true, Fleet],
  accounts: ['building', isOperator, Accounts],
  regions: ['globe', isOperator, Regions],
  limits: ['clock', () => true, Limits],
  people: ['people', () => may('admin'), People],
  profile: ['person', () => false, Profile],
};

/** `#/keys/ak-1?status=disabled`: the view, an id, and its parameters. */
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, id] = path.split('/');
  return { name: name in VIEWS ? name : 'keys', id, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** Writes what a view shows into the address, so that a reload or the way back finds it; `kept` stays in this
 * browser's history. */
function setParams(params, kept = null) {
  const given = Object.entries(params).filter(([, value]) => value);
  const { name, id } = address();
  const path = id ? `${name}/${id}` : name;
  history.replaceState(kept, '', `#/${path}${given.length ? `?${new URLSearchParams(given)}` : ''}`);
}

export function Shell({ leave }) {
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState({ ...address(), visit: 0 });
  useEvent(window, 'hashchange', () => {
    setAt({ ...address(), visit: at.visit + 1 });
    setOpen(false);
  });
  const skip = (event) => {
    event.preventDefault();
    /** @type {HTMLElement} */ (document.querySelector('#main h1'))?.focus();
  };
  return html`
    <a href="#main" class="skip" onClick=${skip}>${t('skip')}</a>
    <div class="frame" key=${language()}>
      <${Navigation} isOpen=${isOpen} name=${at.name} />
      <div class="column">
        <${Away} />
        <${TopBar} leave=${leave} toggle=${() => setOpen(!isOpen)} />
        <main id="main"><${View} ...${at} leave=${leave} /></main>
      </div>
    </div>
  `;
}

/** The view of an address; it begins anew with each address, account and region. */
function View({ name, id, visit, leave }) {
  const wanted = [visit, state.account, state.region].join(' ');
  useLayoutEffect(() => {
    document.title = `${t(`nav.${name}`)} · Latchkey`;
    scrollTo(0, 0);
  }, [wanted]);
  if (!state.region || !state.account) {
    return html`<${Page} title=${t('places.none')} lead=${t('places.none_hint')} />`;
  }
  const Shown = id ? KeyPage : VIEWS[name][2];
  return html`
    <${Shown} key=${wanted} id=${id} params=${address().params} setParams=${setParams} leave=${leave} />
  `;
}

function Navigation({ isOpen, name }) {
  const node = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    if (isOpen) node.current?.querySelector('a')?.focus();
  }, [isOpen]);
  const seen = Object.entries(VIEWS).filter(([, [, isSeen]]) => isSeen());
  return html`
    <nav class=${isOpen ? 'nav open' : 'nav'} aria-label=${t('nav.name')} ref=${node}>
      <div class="brand"><${Icon} name="key" />Latchkey</div>
      <div class="links">
        ${seen.map(([id, [picture]]) => html`
          <a key=${id} href="#/${id}" aria-current=${id === name ? 'page' : null}>
            <${Icon} name=${picture} />${t(`nav.${id}`)}
          </a>
        `)}
      </div>
      <a href="docs" class="docs">REST API</a>
    </nav>
  `;
}

function TopBar({ leave, toggle }) {
  const out = async () => {
    await call('DELETE', '/v1/session', { quiet: true }).catch(() => {});
    leave();
  };
  return html`
    <header class="top">
      <${IconButton} kind="menu-button" label=${t('nav.name')} picture="menu" act=${toggle} />
      <div class="places">
        <${Place} what="region" places=${state.regions} />
        ${isOperator() && html`<${Place} what="account" places=${state.accounts} />`}
      </div>
      <div class="self">
        <${Theme} /><${Language} />
        <a href="#/profile" class="person"><${Icon} name="person" /><bdi>${userName()}</bdi></a>
        <${Button} kind="quiet" act=${out}>${t('logout')}<//>
      </div>
    </header>
  `;
}

function Place({ what, places }) {
  const pick = (id) => {
    // A place in a list of another account is none.
    const { cursor, from, ...params } = address().params;
    setParams(params);
    choose(what, id);
  };
  const options = places.map(({ id, name = '' }) => [id, name]);
  return html`
    <${Switcher} id="pick-${what}" label=${t(what)} value=${state[what]} choose=${pick} options=${options} />
  `;
}

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme);
  const change = ({ target }) => {
    localStorage.setItem('theme', target.value);
    document.documentElement.dataset.theme = target.value;
    setTheme(target.value);
  };
  const options = ['auto', 'light', 'dark'].map((id) => [id, t(`theme.${id}`)]);
  return html`
    <${Select} aria-label=${t('theme.name')} class="slim" options=${options} value=${theme} onChange=${change} />
  `;
}

function Language() {
  const change = async ({ target }) => {
    localStorage.setItem('language', target.value);
    await loadTexts();
    hear.changed();
  };
  const options = Object.entries(LANGUAGES);
  return html`
    <${Select} aria-label=${t('language')} class="slim" options=${options} value=${language()} onChange=${change} />
  `;
}
