// @ts-check
// The REST API, and what every view needs to know from it. Whoever is asked to log in again, or to prove who
// they are, goes on where they were: the call waits, and what was typed stays.

/** What the sidecar refuses, as its problem document says it (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `${status}`);
    this.status = status;
    this.kind = (body.type ?? '').split('/').pop();
    this.errors = body.errors ?? [];
    this.requestId = body.request_id;
  }
}

/** Set by the page: ask for a log-in, ask for a proof of identity; false: the reader gave up. */
export const ask = { login: async () => false, proof: async () => false };

/** Makes a call; gives `{data, etag, ms}` or throws a Problem. `quiet`: asks nobody. */
export async function call(method, path, options = {}) {
  const { body, query = {}, etag, once, quiet } = /** @type {any} */ (options);
  const headers = {
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(etag && { 'if-match': etag }),
    ...(once && { 'idempotency-key': once }),
  };
  const given = Object.entries(query).filter(([, value]) => value != null && value !== '');
  const url = given.length ? `${path}?${new URLSearchParams(given)}` : path;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  for (;;) {
    try {
      return await send(url, { method, headers, body: text, cache: 'no-store' });
    } catch (problem) {
      const asks = { unauthorized: ask.login, 'verification-required': ask.proof }[problem.kind];
      if (quiet || !asks || !(await asks())) throw problem;
    }
  }
}

async function send(url, options) {
  const begun = performance.now();
  const answer = await fetch(url, options).catch(() => {
    setAway(true);
    throw new Problem(0, { type: 'offline' });
  });
  setAway(false);
  const text = await answer.text();
  const ms = performance.now() - begun;
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  const data = isJson && text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Problem(answer.status, data);
  return { data, etag: answer.headers.get('etag'), ms };
}

/** The data of a GET. */
export const get = async (path, query) => (await call('GET', path, { query })).data;

/** Every page of a list: its `member`s, one after the other. */
export async function getAll(path, member, query = {}) {
  /** @type {any[]} */
  const all = [];
  for (/** @type {string | null | undefined} */ let cursor; cursor !== null; ) {
    const page = await get(path, { ...query, limit: 200, cursor });
    all.push(...page[member]);
    cursor = page.next_cursor ?? null;
  }
  return all;
}

/** A word that makes a repeated call harmless. */
export const onceOnly = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), hex).join('');

const hex = (byte) => byte.toString(16).padStart(2, '0');

// Who is there, and in which account and region they work.

/** @type {any} */
export const state = { session: null, accounts: [], regions: [], account: null, region: null, isAway: false };

/** Set by the page: something of the state is another now. */
export const hear = { changed: () => {} };

/** Chooses an account or a region to work in; one that is not known may have been made since. */
export async function choose(what, id) {
  state[what] = id;
  localStorage.setItem(what, id);
  if (what === 'account' && !account()) await loadPlaces();
  hear.changed();
}

/** Whether the sidecar can be reached is another question than what it says. */
function setAway(isAway) {
  if (state.isAway === isAway) return;
  state.isAway = isAway;
  hear.changed();
}

export const isOperator = () => state.session?.role === 'operator';
export const may = (capability) => state.session?.capabilities.includes(capability) ?? false;
export const userName = () => state.session?.actor.replace(/^user:/, '') ?? '';
export const account = () => state.accounts.find(({ id }) => id === state.account);
export const region = () => state.regions.find(({ id }) => id === state.region);

/** Learns who is there; false: nobody. */
export async function loadSession() {
  try {
    state.session = (await call('GET', '/v1/session', { quiet: true })).data;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    state.session = null;
  }
  return state.session !== null;
}

/** Learns which accounts and regions there are; keeps the chosen ones. */
export async function loadPlaces() {
  const [accounts, { regions }] = await Promise.all([getAll('/v1/accounts', 'accounts'), get('/v1/regions')]);
  const known = (places, wanted) => (places.find(({ id }) => id === wanted) ?? places[0])?.id ?? null;
  Object.assign(state, { accounts, regions });
  state.account = known(accounts, state.session.account ?? state.account ?? localStorage.getItem('account'));
  state.region = known(regions, state.region ?? localStorage.getItem('region'));
  hear.changed();
}

/** Learns how many keys the account has by now. */
export async function refreshAccount() {
  const fresh = await get(`/v1/accounts/${state.account}`);
  state.accounts = state.accounts.map((one) => (one.id === fresh.id ? fresh : one));
}
