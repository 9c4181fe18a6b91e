// node netlify_blobs.mjs PORT DIRECTORY TOKEN PACKAGE: Netlify's BlobsServer, on loopback, with what
// the hosted service does besides: an etag of the content with each blob, and one write at a time.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [port, directory, token, path] = process.argv.slice(2);
const { BlobsServer } = await import(pathToFileURL(join(path, "dist/server.js")));

// The package listens on every interface.
const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (at, ...rest) {
  return typeof at === "number" ? listen.call(this, at, "127.0.0.1", ...rest) : listen.call(this, at, ...rest);
};

BlobsServer.generateETag = async (file) => {
  try {
    return `"${createHash("md5").update(await readFile(file)).digest("hex")}"`;
  } catch {
    return "";
  }
};

const { handleRequest, parseAPIRequest } = BlobsServer.prototype;

async function withEtag(server, request) {
  const answer = await handleRequest.call(server, request);
  const isJSON = answer.headers.get("content-type") === "application/json";
  if (request.method !== "GET" || answer.status !== 200 || isJSON) return answer;
  const url = parseAPIRequest.call(server, request)?.url ?? new URL(request.url, server.address);
  const headers = new Headers(answer.headers);
  headers.set("etag", await BlobsServer.generateETag(server.getLocalPaths(url).dataPath));
  return new Response(await answer.arrayBuffer(), { status: 200, headers });
}

let last = Promise.resolve();
BlobsServer.prototype.handleRequest = function (request) {
  const answer = last.then(() => withEtag(this, request));
  last = answer.catch(() => {});
  return answer;
};

await new BlobsServer({ directory, token, port: Number(port) }).start();
