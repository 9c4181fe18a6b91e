// node cloudflare_kv.mjs PORT TOKEN NAMESPACE PACKAGE: the part of Cloudflare's HTTP API that reads
// and writes the values of a KV namespace, in front of miniflare's KV.
import { createRequire } from "node:module";
import { join } from "node:path";

const [port, token, namespace, path] = process.argv.slice(2);
const { Miniflare } = createRequire(import.meta.url)(join(path, "dist/src/index.js"));

const script = `
const VALUES = /^\\/client\\/v4\\/accounts\\/[^/]+\\/storage\\/kv\\/namespaces\\/([^/]+)\\/values\\/([^/]+)$/;
const done = () => Response.json({ success: true, errors: [], messages: [], result: null });
const error = (status, code, message) =>
  Response.json({ success: false, errors: [{ code, message }], messages: [], result: null }, { status });

export default {
  async fetch(request, env) {
    if (request.headers.get("authorization") !== "Bearer " + env.TOKEN) {
      return error(401, 10000, "Authentication error");
    }
    const url = new URL(request.url);
    const found = VALUES.exec(url.pathname);
    if (!found) return error(404, 7003, "Could not route");
    if (found[1] !== env.NAMESPACE) return error(404, 10013, "namespace not found");
    const key = decodeURIComponent(found[2]);
    try {
      if (request.method === "GET") {
        const value = await env.KV.get(key, "arrayBuffer");
        if (value === null) return error(404, 10009, "key not found");
        return new Response(value, { headers: { "content-type": "application/octet-stream" } });
      }
      if (request.method === "PUT") {
        const expiration = url.searchParams.get("expiration");
        const options = expiration === null ? {} : { expiration: Number(expiration) };
        await env.KV.put(key, await request.arrayBuffer(), options);
        return done();
      }
      await env.KV.delete(key);
      return done();
    } catch (failure) {
      const told = /(\\d{3}) (.*)$/.exec(failure.message);
      return error(told ? Number(told[1]) : 500, 10000, failure.message);
    }
  },
};`;

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: Number(port),
  cf: false,
  modules: true,
  script,
  compatibilityDate: "2026-01-01",
  bindings: { TOKEN: token, NAMESPACE: namespace },
  kvNamespaces: { KV: namespace },
});
await miniflare.ready;
// At SIGTERM miniflare's own hook ends workerd with us; to dispose of it properly takes seconds.
