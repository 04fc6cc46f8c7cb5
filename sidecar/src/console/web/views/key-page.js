// @ts-check
// One key: everything about it, and what it was used for.

import { html } from '../base.js';
import { choose, get, may, state } from '../parts/api.js';
import { Button } from '../parts/button.js';
import { Loaded, Page, useLoad } from '../parts/page.js';
import { Card, Chips, Code, Facts, Moment, Relative } from '../parts/small.js';
import { pieces, t } from '../parts/text.js';
import { deleteKey, editKey, endGrace, resetKey, rotateKey } from './key-acts.js';
import { Expiry, MaskedValue, StatusSwitch } from './key-parts.js';
import { LimitCard } from './limit-gauges.js';
import { UsagePanel } from './usage.js';

export function View({ id }) {
  const loading = useLoad(() => get(`/v1/keys/${id}`), [id]);
  return html`
    <${Loaded} of=${loading} kind="one">${(key) => html`<${OneKey} shown=${key} reload=${loading.reload} />`}<//>
  `;
}

function OneKey({ shown: key, reload }) {
  const lead = key.description && html`<bdi>${key.description}</bdi>`;
  const back = html`
    <nav aria-label=${t('key.where')} class="back">
      <a href="#/keys"><bdi>${key.account}</bdi> · ${key.region} · ${t('nav.keys')}</a>
    </nav>
  `;
  return html`
    <${Page} title=${html`<bdi>${key.name}</bdi>`} lead=${lead} back=${back} actions=${actions(key, reload)}>
      ${key.account !== state.account && html`
        <div class="notice" role="status">
          <p>${pieces('key.elsewhere', { account: html`<b><bdi>${key.account}</bdi></b>` })}</p>
          <${Button} kind="small" act=${() => choose('account', key.account)}>${t('key.switch')}<//>
        </div>
      `}
      <div class="cards">
        <${About} shown=${key} reload=${reload} />
        <${Policy} shown=${key} />
        <${LimitCard} path=${`/v1/keys/${key.id}`} name=${key.name} mayReset=${may('keys:write')}
          deps=${[key.updated_at]} />
        <${Card} title=${t('nav.usage')}><${UsagePanel} path=${`/v1/keys/${key.id}/usage`} /><//>
      </div>
    <//>
  `;
}

function actions(key, reload) {
  if (!may('keys:write')) return null;
  const leave = async () => { location.hash = '#/keys'; };
  const isStandard = key.origin === 'standard';
  const renew = isStandard ? rotateKey : resetKey;
  return html`
    <${Button} kind="primary" act=${() => editKey(key.id, reload)}>${t('edit')}<//>
    <${Button} act=${() => renew(key, reload)}>${t(isStandard ? 'rotate.do' : 'reset.do')}<//>
    ${may('keys:delete') && html`
      <${Button} kind="danger-plain" act=${() => deleteKey(key, leave)}>${t('delete.do')}<//>
    `}
  `;
}

function About({ shown: key, reload }) {
  const link = (id) => html`<a href="#/keys/${id}"><${Code}>${id}<//></a>`;
  const grace = may('keys:write') && html`
    <${Button} kind="small" act=${() => endGrace(key, reload)}>${t('grace.end')}<//>
  `;
  const labels = Object.entries(key.labels).map((pair) => pair.join('='));
  const made = html`<span><${Moment} at=${key.created_at} /> · <bdi>${key.creator}</bdi></span>`;
  return html`
    <${Card} title=${t('key.about')}>
      <${Facts} pairs=${[
        [t('keys.status'), html`<${StatusSwitch} of=${key} reload=${reload} />`],
        [t('field.value'), html`<${MaskedValue} of=${key} />`],
        [t('key.id'), html`<${Code}>${key.id}<//>`],
        [t('account'), key.account],
        [t('region'), key.region],
        key.successor && [t('key.successor'), html`<span class="inline">${link(key.successor)}${grace}</span>`],
        key.predecessor && [t('key.predecessor'), link(key.predecessor)],
        [t('keys.created'), made],
        [t('key.value_set'), html`<${Moment} at=${key.value_set_at} />`],
        [t('keys.last_used'), html`<${Relative} at=${key.last_used_at} />`],
        labels.length > 0 && [t('keys.labels'), html`<${Chips} names=${labels} />`],
        may('admin') && [t('key.history'), html`<a href="#/audit?text=${key.id}">${t('key.history_link')}</a>`],
      ]} />
    <//>
  `;
}

function Policy({ shown: key }) {
  const names = (axis) => {
    if (axis === 'all') return t('scope.all');
    return axis.length ? html`<${Chips} names=${axis} />` : t('scope.none');
  };
  const list = key.ip_allowlist;
  return html`
    <${Card} title=${t('key.policy')}>
      <${Facts} pairs=${[
        [t('scope.models'), names(key.scope.models)],
        [t('scope.services'), names(key.scope.services)],
        [t('field.addresses'), list.length ? html`<${Chips} names=${list} kind="mono" />` : t('key.from_anywhere')],
        [t('field.expiry'), html`<${Expiry} at=${key.expires_at} />`],
      ]} />
    <//>
  `;
}
