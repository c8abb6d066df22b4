// A page of another origin, in the browser of somebody who is signed in: what it asks in their name is refused.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { setUp } from './lib/people.mjs';

describe('a page of another origin', { timeout: 120_000 }, () => {
  let server, chromium, lin, evil, elsewhere;
  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    lin = await chromium.person();
    await setUp(lin, server);
    evil = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>evil</title>'));
    evil.listen(0, '127.0.0.1');
    await once(evil, 'listening');
    // The same site to cookies, and another one.
    elsewhere = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${evil.address().port}/`);
  });
  after(async () => {
    await chromium?.close();
    await server?.stop();
    evil?.close();
  });

  /** The status of the server's answer to what the page does. */
  const answerTo = async (path, act) => {
    const seen = lin.page.waitForResponse((r) => r.url() === `${server.url}${path}` && r.request().method() !== 'OPTIONS', { timeout: 15_000 });
    await act();
    return (await seen).status();
  };
  const post = (path) => answerTo(path, () => lin.evaluate(async (url) => {
    await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' }).catch(() => {});
  }, `${server.url}${path}`));
  const form = (path) => answerTo(path, async () => {
    const there = lin.page.waitForURL(`${server.url}${path}`);
    await lin.evaluate(submit, `${server.url}${path}`);
    await there;
  });
  const submit = (url) => {
    const f = document.createElement('form');
    f.method = 'POST';
    f.action = url;
    f.enctype = 'text/plain';
    document.body.append(f);
    f.submit();
  };
  /** Whether a socket of the meeting protocol opens. */
  const socket = () => lin.evaluate((url) => new Promise((done) => {
    const s = new WebSocket(url, 'incamera.v1');
    s.onopen = () => { s.close(); done('open'); };
    s.onerror = () => done('refused');
  }), `${server.url.replace(/^http/, 'ws')}/api/v1/ws`);

  test('the control: the own page may do it', async () => {
    await lin.goto(`${server.url}/`);
    assert.equal(await socket(), 'open');
    assert.notEqual(await post('/api/v1/rooms'), 403);
  });

  test('neither a script nor a form of it acts in the name of the person', async () => {
    for (const page of elsewhere) {
      for (const act of [post, form]) {
        for (const path of ['/api/v1/rooms', '/api/v1/sign-out', '/api/v1/sign-in', '/api/v1/password']) {
          await lin.goto(page);
          assert.equal(await act(path), 403, `${act.name} ${path} from ${page}`);
        }
      }
    }
    await lin.goto(`${server.url}/`);
    await lin.see('home-start'); // still signed in
  });

  test('its socket is refused before the upgrade', async () => {
    for (const page of elsewhere) {
      await lin.goto(page);
      const said = new Promise((done) => lin.page.on('console', (m) => /WebSocket/.test(m.text()) && done(m.text())));
      assert.equal(await socket(), 'refused');
      assert.match(await said, /403/, page);
    }
  });
});
