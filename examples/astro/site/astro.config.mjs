import node from '@astrojs/node';
import { defineConfig } from 'astro/config';

export default defineConfig({
  output: 'server',
  adapter: node({ mode: 'standalone' }),
  session: { driver: { entrypoint: new URL('./src/sessions.js', import.meta.url) } },
  // Astro compares a form's Origin with the Host only where the host is one of these.
  security: { allowedDomains: [{ hostname: 'localhost' }, { hostname: '127.0.0.1' }] },
  devToolbar: { enabled: false },
});
