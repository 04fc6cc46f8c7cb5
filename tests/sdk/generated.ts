// A client of the types that openapi-typescript has generated: makes, lists, edits and deletes a key.
//
// generated.mjs URL TOKEN. That it compiles is half of the test. Prints what the test compares.

import createClient from 'openapi-fetch';
import type { paths } from './api.js';

const [url, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no data came back');
  return value;
}

const home = { account: 'demo', region: 'local' };
const everything = await client.POST('/v1/keys', { body: { ...home, name: 'all' } });
const made = present(
  (
    await client.POST('/v1/keys', {
      params: { header: { 'Idempotency-Key': 'generated' }, query: { wait: 'none' } },
      body: {
        ...home,
        name: 'typescript',
        scope: { models: ['glm-5.1'], services: 'all' },
        labels: { team: 'ads' },
        expires_at: '2099-01-01T00:00:00Z',
      },
    })
  ).data,
);
const path = { id: made.id };
const listed = await client.GET('/v1/keys', { params: { query: { account: 'demo', label: 'team=ads' } } });
const edited = await client.PATCH('/v1/keys/{id}', {
  params: { path },
  body: { name: made.name, description: 'edited', expires_at: null },
});
const shown = present((await client.GET('/v1/keys/{id}', { params: { path } })).data);
const refused = await client.POST('/v1/keys', { body: { ...home, name: ' ' } });
const deleted = await client.DELETE('/v1/keys/{id}', { params: { path, query: { confirm: made.name } } });

console.log(
  JSON.stringify({
    all: present(everything.data).scope,
    has_value: made.key.startsWith('sk-'),
    listed: present(listed.data).keys.map((key) => key.id === made.id),
    edited: present(edited.data).description,
    expires_at: shown.expires_at,
    scope: shown.scope,
    labels: shown.labels,
    refused: [refused.error?.status, refused.error?.errors?.[0]?.field],
    deleted: present(deleted.data).id === made.id,
  }),
);
