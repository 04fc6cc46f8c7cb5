// Judges manifests by the schemas of @kubernetes-models: prints how many it knows and what is wrong.
const HOMES = {
  'istio.io': '@kubernetes-models/istio',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
};

const report = { judged: 0, faults: [] };
for (const document of JSON.parse(process.argv[2])) {
  const group = document.apiVersion.split('/')[0];
  const home = Object.keys(HOMES).find((end) => group === end || group.endsWith(`.${end}`));
  if (!home) continue;
  const { [document.kind]: Kind } = await import(`${HOMES[home]}/${document.apiVersion}/${document.kind}`);
  report.judged += 1;
  try {
    new Kind(document).validate();
  } catch (error) {
    report.faults.push(`${document.kind}: ${error.message}`);
  }
}
console.log(JSON.stringify(report));
