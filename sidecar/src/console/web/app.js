// The page: who is there, where they are, and the frame around each view.

import { ask, call, isOperator, loadPlaces, loadSession, may, state, userName } from './api.js';
import { select } from './form.js';
import { h, icon, words } from './h.js';
import { askProof, door, logInAgain } from './person.js';
import { LANGUAGES, language, loadTexts, t } from './text.js';
import { button, empty, explain, iconButton, page } from './ui.js';

/** Views by the first word of the address: their picture, who sees them in the list, and their file. */
const VIEWS = {
  keys: ['key', () => true, () => import('./keys.js')],
  usage: ['chart', () => true, () => import('./usage.js')],
  advice: ['bulb', () => true, () => import('./advice.js')],
  audit: ['list', () => may('admin'), () => import('./audit.js')],
  catalog: ['box', () => true, () => import('./catalog.js')],
  fleet: ['server', () => true, () => import('./fleet.js')],
  accounts: ['building', isOperator, () => import('./accounts.js')],
  limits: ['clock', () => true, () => import('./accounts.js')],
  people: ['people', () => may('admin'), () => import('./people.js')],
  profile: ['person', () => false, () => import('./person.js')],
};

const root = document.getElementById('root');

/** One question at a time: calls that are refused together wait for the same answer. */
function oneAtATime(question) {
  let open = null;
  return () => (open ??= question().finally(() => { open = null; }));
}

ask.login = oneAtATime(logInAgain);
ask.proof = oneAtATime(() => askProof());
addEventListener('hashchange', () => state.session && route());
start();

async function start(notice) {
  try {
    await loadTexts();
    if (!(await loadSession())) await door(root, notice, location.hash === '#/setup');
    await loadPlaces();
  } catch (problem) {
    root.replaceChildren(empty('warn', t('failed'), explain(problem), button(t('retry'), () => start())));
    return;
  }
  if (location.hash === '#/setup') history.replaceState(null, '', '#/keys');
  drawFrame();
}

/** After a log-out, or a new password: nobody is there. */
function leave(notice) {
  state.session = null;
  document.querySelectorAll('dialog').forEach((node) => node.close());
  start(notice);
}

/** `#/keys/ak-1?status=disabled`: the view, an id, and its parameters. */
function address() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, id] = path.split('/');
  return { name: name in VIEWS ? name : 'keys', id, params: Object.fromEntries(new URLSearchParams(query)) };
}

function setParams(params) {
  history.replaceState(null, '', `#/${address().name}?${new URLSearchParams(Object.entries(params).filter(([, value]) => value))}`);
}

let turn = 0;

async function route() {
  const mine = (turn += 1);
  const { name, id, params } = address();
  const main = document.getElementById('main');
  if (!state.region || !state.account) return main.replaceChildren(page(t('places.none'), { lead: t('places.none_hint') }));
  const { view } = await (id ? import('./key-page.js') : VIEWS[name][2]());
  const node = await view({ name, id, params, setParams, leave, placesChanged: drawPlaces });
  if (mine !== turn) return;
  main.replaceChildren(node);
  document.title = `${t(`nav.${name}`)} · Latchkey`;
  for (const link of document.querySelectorAll('.links a')) {
    if (link.hash === `#/${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.querySelector('.nav').classList.remove('open');
  scrollTo(0, 0);
  node.querySelector('h1')?.focus({ preventScroll: true });
}

function drawFrame() {
  const skip = h('a', { href: '#main', class: 'skip', onclick: (event) => { event.preventDefault(); document.querySelector('#main h1')?.focus(); } }, t('skip'));
  root.replaceChildren(skip, h('div', { class: 'frame' }, navigation(), h('div', { class: 'column' }, topBar(), h('main', { id: 'main' }))));
  drawPlaces();
  return route();
}

function navigation() {
  const links = Object.entries(VIEWS).map(([name, [picture, isSeen]]) => isSeen() && h('a', { href: `#/${name}` }, icon(picture), t(`nav.${name}`)));
  return h('nav', { class: 'nav', 'aria-label': t('nav.name') }, h('div', { class: 'brand' }, icon('key'), 'Latchkey'), h('div', { class: 'links' }, links), h('a', { href: 'docs', class: 'docs' }, 'REST API'));
}

function topBar() {
  const open = iconButton(t('nav.name'), 'menu', () => {
    if (document.querySelector('.nav').classList.toggle('open')) document.querySelector('.nav a').focus();
  }, { class: 'button quiet square menu-button' });
  const theme = select(['auto', 'light', 'dark'].map((id) => [id, t(`theme.${id}`)]), document.documentElement.dataset.theme, { 'aria-label': t('theme.name'), class: 'slim', onchange: ({ target }) => {
    localStorage.setItem('theme', target.value);
    document.documentElement.dataset.theme = target.value;
  } });
  const spoken = select(Object.entries(LANGUAGES), language(), { 'aria-label': t('language'), class: 'slim', onchange: async ({ target }) => {
    localStorage.setItem('language', target.value);
    await loadTexts();
    await drawFrame();
  } });
  const out = button(t('logout'), async () => { await call('DELETE', '/v1/session', { quiet: true }).catch(() => {}); leave(); }, { kind: 'quiet' });
  return h('header', { class: 'top' }, open, h('div', { class: 'places' }), h('div', { class: 'self' }, theme, spoken, h('a', { href: '#/profile', class: 'person' }, icon('person'), words(userName())), out));
}

/** The pickers of region and account; what is open is drawn anew when one is chosen. */
function drawPlaces() {
  const pick = (what, places) => h('label', { class: 'place' }, t(what), select(places.map(({ id }) => [id, id]), state[what], { id: `pick-${what}`, onchange: ({ target }) => {
    state[what] = target.value;
    localStorage.setItem(what, target.value);
    route();
  } }));
  document.querySelector('.places').replaceChildren(pick('region', state.regions), isOperator() ? pick('account', state.accounts) : '');
}
