// Does with the session what a test asks for, step by step, and answers with what each step gave:
// as devalue's text, or true.
import * as devalue from 'devalue';
import { isDeepStrictEqual } from 'node:util';
import { pass } from './gates/_gates.js';

const value = (js) => new Function(`return (${js})`)();
const text = (value) => devalue.stringify(value, { URL: (v) => v instanceof URL && v.href });
const reread = (value) => devalue.parse(text(value), { URL: (href) => new URL(href) });

const STEPS = {
  get: async (session, key) => text(await session.get(key)),
  keys: async (session) => text([...(await session.keys())]),
  equals: async (session, key, js) => isDeepStrictEqual(await session.get(key), reread(value(js))),
  set: (session, key, js, ttl) => session.set(key, value(js), ttl && { ttl }),
  delete: (session, key) => session.delete(key),
  regenerate: (session) => session.regenerate(),
  destroy: (session) => session.destroy(),
  pause: (_, gate) => pass(gate),
};

export async function POST({ request, session }) {
  const results = [];
  for (const [name, ...given] of await request.json()) {
    results.push((await STEPS[name](session, ...given)) ?? true);
  }
  return Response.json(results);
}
