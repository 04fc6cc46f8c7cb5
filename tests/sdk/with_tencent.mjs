// Tencent Cloud's official SDK for Node: a second signer, which signs the host without its port.
//
// Arguments: the sidecar's port, a region, and an access key.

import http from "node:http";
import tencentcloud from "tencentcloud-sdk-nodejs";

const [port, region, secretId, secretKey] = process.argv.slice(2);
// The SDK signs for the service that its endpoint begins with; nobody has to resolve the name.
const lookup = (_, options, found) =>
  options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4);

const client = new tencentcloud.tokenhub.v20260322.Client({
  credential: { secretId, secretKey },
  region,
  profile: {
    httpProfile: {
      protocol: "http://",
      endpoint: `tokenhub.test:${port}`,
      agent: new http.Agent({ lookup }),
    },
  },
});

const { ApiKeyId } = await client.CreateApiKey({ ApiKeyName: "by Node", Platform: "maas", BindType: "all" });
const shown = await client.DescribeApiKey({ ApiKeyId, Platform: "maas" });
if (shown.Name !== "by Node" || !shown.ApiKey.startsWith("sk-")) throw new Error(JSON.stringify(shown));
await client.ModifyApiKeyStatus({ ApiKeyId, Platform: "maas", Status: "disable" });
const filter = { Name: "status", Op: "EXACT", Values: ["disable"] };
const listed = await client.DescribeApiKeyList({ Platform: "maas", Filters: [filter] });
if (listed.TotalCount !== 1) throw new Error(JSON.stringify(listed));
await client.DeleteApiKey({ ApiKeyId, Platform: "maas" });
const refusal = await client.ModifyApiKeyInfo({ ApiKeyId, Platform: "maas", Remark: "x" }).catch((error) => error);
if (refusal.code !== "ResourceNotFound.ResourceNotFound" || !refusal.requestId) throw refusal;
console.log("node: ok");
