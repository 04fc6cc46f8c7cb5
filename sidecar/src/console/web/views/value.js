// @ts-check
// The value that was made just now: shown once, with lines that use it.

import { html, useEvent, useNewId, useRef, useState } from '../base.js';
import { getAll, region } from '../parts/api.js';
import { Dialog, LeaveButton, confirm } from '../parts/dialog.js';
import { useLoad } from '../parts/page.js';
import { covers } from '../parts/scope.js';
import { CopyButton, SecretRow } from '../parts/secret.js';
import { Badge } from '../parts/small.js';
import { t } from '../parts/text.js';
import { propagated } from '../parts/toast.js';
import { TryIt } from './try-it.js';

/** Shows a new value; it asks before it goes away uncopied. */
export function ValueDialog({ title, note, answer, close }) {
  const { key: value, id, recoverable, scope } = answer.data;
  const isKept = useRef(false);
  const keep = () => { isKept.current = true; };
  const question = {
    title: t('value.leave_title'), body: t('value.leave'), yes: t('value.leave_yes'), kind: 'danger',
    no: t('value.stay'),
  };
  useEvent(window, 'beforeunload', (event) => {
    if (!isKept.current) event.preventDefault();
  });
  const { sentence, kind } = propagated(answer, 'accepted');
  return html`
    <${Dialog} title=${title} wide focus="#copy-value" close=${close}
      mayClose=${() => isKept.current || confirm(question)}
      foot=${html`<${LeaveButton} kind="primary">${t('done')}<//>`}>
      <p>${note}</p>
      <p><${Badge} kind=${kind}>${sentence}<//></p>
      <${SecretRow} value=${value} label=${t('field.value')} done=${keep} />
      <p class="callout">${t(recoverable ? 'value.recoverable' : 'value.once')}</p>
      <${Snippets} id=${id} value=${value} scope=${scope} />
    <//>
  `;
}

/** A model that the key may call: one that its scope names, else the first of the catalog that it covers. */
async function modelOf({ models, services }) {
  const named = [models, services].flat().find((entry) => entry !== 'all' && !entry.endsWith('*'));
  if (named) return named;
  const entries = await getAll(`/v1/catalog/${region().id}`, 'entries', { kind: 'model' });
  return entries.find(({ name }) => models === 'all' || models.some((entry) => covers(entry, name)))?.name;
}

/** Lines that use the key, for those who call with curl or with an SDK. */
function Snippets({ id: keyId, value, scope }) {
  const place = `gateway.${region().id}`;
  const [gateway, setGateway] = useState(localStorage.getItem(place) ?? region().gateway ?? '');
  const [kind, setKind] = useState('curl');
  const [name, id, hintId] = [useNewId(), useNewId(), useNewId()];
  const { data: model } = useLoad(() => modelOf(scope), []);
  const text = SNIPPETS[kind](gateway.replace(/\/+$/, '') || EXAMPLE, value, model ?? 'MODEL');
  const remember = ({ target }) => {
    localStorage.setItem(place, target.value);
    setGateway(target.value);
  };
  const tab = (/** @type {string[]} */ [of, label]) => html`
    <label class="tab" key=${of}>
      <input type="radio" name=${name} value=${of} checked=${of === kind} onChange=${() => setKind(of)} />${label}
    </label>
  `;
  return html`
    <section class="snippets">
      <h3>${t('value.use')}</h3>
      <div class="tabs" role="radiogroup" aria-label=${t('value.use')}>${TABS.map(tab)}</div>
      <pre tabindex="0" translate=${false}><code>${text}</code></pre>
      <div class="inline"><${CopyButton} text=${text}>${t('copy.snippet')}<//></div>
      ${model && html`<${TryIt} of=${keyId} model=${model} />`}
      <div class="field">
        <label for=${id}>${t('value.gateway')}</label>
        <p class="hint" id=${hintId}>${t('value.gateway_hint')}</p>
        <input type="url" id=${id} aria-describedby=${hintId} placeholder=${EXAMPLE} value=${gateway}
          autocomplete="off" spellcheck=${false} onInput=${remember} />
      </div>
    </section>
  `;
}

const EXAMPLE = 'https://gateway.example.com';
const TABS = [['curl', 'curl'], ['openai', 'OpenAI (Python)'], ['anthropic', 'Anthropic (Python)']];

const SNIPPETS = {
  curl: (url, key, model) => `curl ${url}/v1/chat/completions \\
  -H 'Authorization: Bearer ${key}' \\
  -H 'Content-Type: application/json' \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`,
  openai: (url, key, model) => `from openai import OpenAI

client = OpenAI(base_url="${url}/v1", api_key="${key}")
answer = client.chat.completions.create(
    model="${model}", messages=[{"role": "user", "content": "Hello"}]
)`,
  anthropic: (url, key, model) => `from anthropic import Anthropic

client = Anthropic(base_url="${url}", api_key="${key}")
answer = client.messages.create(
    model="${model}", max_tokens=256, messages=[{"role": "user", "content": "Hello"}]
)`,
};
