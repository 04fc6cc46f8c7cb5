// The fleet: every Envoy that follows this sidecar, and how far it is.

import { get } from './api.js';
import { words } from './h.js';
import { t } from './text.js';
import { badge, code, empty, listPage, relative, table } from './ui.js';

const EVERY_MS = 5000;

export function view() {
  const node = listPage(t('nav.fleet'), {}, async () => {
    const { envoys } = await get('/v1/envoys');
    if (!envoys.length) return empty('server', t('fleet.none'), t('fleet.none_hint'));
    const newest = (region) => Math.max(...envoys.filter((one) => one.region === region).map(({ generation }) => generation ?? 0));
    const columns = [t('fleet.envoy'), t('region'), t('keys.status'), { name: t('fleet.generation'), class: 'num' }, t('fleet.seen'), t('fleet.instance')];
    return table(t('nav.fleet'), columns, envoys.map((one) => row(one, newest(one.region))));
  });
  const again = setInterval(() => {
    if (!node.isConnected) clearInterval(again);
    else if (!document.hidden) node.reload();
  }, EVERY_MS);
  return node;
}

function row({ envoy, instance, region, generation, last_seen: seen, live }, newest) {
  const [text, kind] = !live ? ['lost', 'bad'] : generation === newest ? ['current', 'good'] : ['behind', 'warn'];
  return [words(envoy), region, badge(t(`fleet.${text}`), kind), String(generation ?? '–'), relative(seen), code(instance.slice(0, 8), { title: instance })];
}
