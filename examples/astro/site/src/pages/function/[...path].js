// Stands for the front door that gives a site and its functions one address: a rewrite, a CDN.
const PASSED = ['content-type', 'cookie', 'origin', 'sec-fetch-site'];

export async function ALL({ request, params }) {
  const body = request.method === 'POST' ? await request.arrayBuffer() : undefined;
  const headers = PASSED.filter((name) => request.headers.has(name))
    .map((name) => [name, request.headers.get(name)]);
  const address = new URL(encodeURIComponent(params.path ?? ''), process.env.FUNCTION_URL);
  const answer = await fetch(address, { method: request.method, headers, body, redirect: 'manual' });
  const passed = new Headers(answer.headers);
  for (const name of ['connection', 'content-encoding', 'content-length', 'transfer-encoding']) {
    passed.delete(name);
  }
  return new Response(answer.status === 303 ? null : await answer.arrayBuffer(), {
    status: answer.status,
    headers: passed,
  });
}
