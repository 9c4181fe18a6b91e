// Where the sessions are: SESSION_STORE says it to Astro and to the function alike, when they start.
import { fileURLToPath } from 'node:url';
import fsLite from 'unstorage/drivers/fs-lite';
import redis from 'unstorage/drivers/redis';

export default function sharedSessions() {
  const store = new URL(process.env.SESSION_STORE);
  if (store.protocol === 'file:') return fsLite({ base: fileURLToPath(store) });
  const base = store.searchParams.get('base') ?? '';
  store.search = '';
  return redis({ url: store.href, base });
}
