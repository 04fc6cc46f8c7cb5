// @ts-check
// The small parts that views are made of.

import { html } from '../base.js';
import { Icon } from './icon.js';
import { ago, clockTime, date, dateTime, exactTime, t } from './text.js';

/** A time; all about it on demand. Nothing: there is none. */
export const Time = ({ at, manner = date }) =>
  at && html`<time datetime=${at} title=${exactTime(at)}>${manner(at)}</time>`;
export const Moment = ({ at }) => html`<${Time} at=${at} manner=${dateTime} />`;
/** A time in two lines: the day, and when on it. */
export const Stamp = ({ at }) => html`
  <time class="stamp" datetime=${at} title=${exactTime(at)}>
    ${date(at)}<span class="about">${clockTime(at)}</span>
  </time>
`;
export const Relative = ({ at, never = t('keys.never') }) =>
  at ? html`<${Time} at=${at} manner=${ago} />` : html`<span class="muted">${never}</span>`;

export const Badge = ({ kind = '', children }) => html`<span class="badge ${kind}">${children}</span>`;

/** A value, masked or whole, or an id. */
export const Code = ({ children, ...props }) => html`<code translate=${false} ...${props}>${children}</code>`;

export const Chips = ({ names, kind = '' }) => html`
  <ul class="chips ${kind}">${names.map((name) => html`<li key=${name}><bdi>${name}</bdi></li>`)}</ul>
`;

/** Names and values, one below the other: `[name, content]`, or nothing. */
export const Facts = ({ pairs }) => html`
  <dl class="facts">
    ${pairs.filter(Boolean).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value ?? '–'}</dd></div>`)}
  </dl>
`;

export const Card = ({ title, children, ...props }) => html`
  <section class="card" ...${props}><h2>${title}</h2>${children}</section>
`;

/** Says what is not there and what to do. */
export const Empty = ({ picture, title, children = null, ...props }) => html`
  <div class="empty" ...${props}>
    <div class="empty-icon"><${Icon} name=${picture} /></div>
    <h2>${title}</h2>
    ${children}
  </div>
`;
