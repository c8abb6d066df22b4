// Runs browser/cases.ts in Chromium and Firefox. `npm run test:browser -w sdk`.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, resolve, sep } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { root } from '../test/paths.js';

const built = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const names = [...(await readFile(new URL('web/sdk/browser/cases.ts', root), 'utf8')).matchAll(/^ {2}async '(.+)'\(\)/gm)].map((m) => m[1] as string);
const only = process.env['CASE'];
const types: Record<string, string> = { '.js': 'text/javascript', '.html': 'text/html' };

let server: Server;
let origin = '';

before(async () => {
  server = createServer((request, response) => {
    const path = resolve(built, `.${new URL(request.url ?? '/', 'http://x').pathname}`);
    if (request.url === '/') return void response.setHeader('content-type', 'text/html').end('<!doctype html><title>SDK</title><body></body>');
    if (!path.startsWith(built + sep)) return void response.writeHead(404).end();
    readFile(path).then(
      (data) => response.setHeader('content-type', types[path.slice(path.lastIndexOf('.'))] ?? 'text/plain').end(data),
      () => response.writeHead(404).end(),
    );
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  origin = `http://localhost:${(server.address() as AddressInfo).port}/`;
});
after(() => server.close());

interface Page {
  goto(url: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
  close(): Promise<void>;
}
interface Browser {
  page(): Promise<Page>;
  close(): Promise<void>;
}

const browsers: Record<string, () => Promise<Browser>> = {
  async chromium() {
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
        '--autoplay-policy=no-user-gesture-required'],
    });
    const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
    return { page: () => context.newPage(), close: () => browser.close() };
  },
  async firefox() {
    const browser = await puppeteer.launch({
      browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true,
      extraPrefsFirefox: {
        'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true, 'media.autoplay.default': 0,
        'media.autoplay.blocking_policy': 0, 'media.peerconnection.ice.obfuscate_host_addresses': false,
      },
    });
    return { page: () => browser.newPage(), close: () => browser.close() };
  },
};

for (const [name, launch] of Object.entries(browsers)) {
  describe(name, () => {
    let browser: Browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser?.close());
    for (const title of names.filter((n) => !only || n.includes(only))) {
      test(title, { timeout: 60_000 }, async (t) => {
        const page = await browser.page();
        try {
          await page.goto(origin);
          const result = await page.evaluate(`import('/browser/cases.js').then((m) => m.cases[${JSON.stringify(title)}]())
            .then((r) => JSON.stringify({ result: r ?? null }), (e) => JSON.stringify({ failed: String(e) + ' ' + String(e && e.stack).slice(0, 300) }))`);
          const { failed, result: told } = JSON.parse(String(result)) as { failed?: string; result?: unknown };
          assert.equal(failed, undefined);
          if (told) t.diagnostic(JSON.stringify(told));
        } finally {
          await page.close();
        }
      });
    }
  });
}
