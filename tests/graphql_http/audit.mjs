// Runs every audit of graphql-http against the address given, and prints one line of JSON for each. The second argument is the API key to ask with.

import { serverAudits } from "graphql-http";

const [url, key] = process.argv.slice(2);
const fetchFn = (address, { headers, ...request } = {}) => fetch(address, { ...request, headers: { ...headers, "x-api-key": key } });

for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason: reason ?? "" }));
}
