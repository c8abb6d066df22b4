// Encoders and players that we did not write: they publish into a meeting and play it, and are ended in every way.
import { test, before, after, describe } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { serve } from './lib/server.mjs';
import { launchChromium } from './lib/browsers.mjs';
import { hearsOthers, join, seesOthers, setUp, startMeeting } from './lib/people.mjs';
import { datachannelEnds, datachannelPublishes, gstreamer, gstreamerLacks, weriftRelays, wrtcPlays, wrtcPublishes } from './lib/foreign.mjs';
import { end, eventually, post } from './lib/whip.mjs';

describe('encoders and players', { timeout: 90_000 }, () => {
  let server, chromium, lin, room;
  const open = [];
  const opened = (client) => { open.push(client); return client; };

  before(async () => {
    server = await serve();
    chromium = await launchChromium();
    lin = await chromium.person();
    await setUp(lin, server);
    room = new URL(await startMeeting(lin, server)).pathname.split('/').pop();
    await join(lin);
  });
  after(async () => {
    for (const client of open) await client.close();
    datachannelEnds();
    await chromium?.close();
    await server?.stop();
  });

  const ask = (method, path, body) => lin.evaluate(async ([method, path, body]) => {
    const r = await fetch(path, { method, headers: body ? { 'Content-Type': 'application/json' } : {}, body: body && JSON.stringify(body) });
    if (!r.ok) throw new Error(`${path}: ${r.status} ${await r.text()}`);
    return r.status === 204 ? null : r.json();
  }, [method, path, body]);
  const newKey = (label, mode) => ask('POST', `/api/v1/rooms/${room}/stream-keys`, { label, mode, life_ms: 3_600_000 });
  /** The names of all who are in the meeting, as lin's page knows them. */
  const roster = () => lin.evaluate(() => [...globalThis.__room.participants.values()].map((p) => p.name));
  const here = (name, yes = true) => eventually(`${name} is ${yes ? 'here' : 'gone'}`, async () => (await roster()).includes(name) === yes, 10_000);

  test('a wrong key, and the other door\'s, is refused', async () => {
    const play = await newKey('Wrong door', 'play');
    for (const door of ['whip', 'whep']) {
      await assert.rejects(post(server, door, `${play.secret}x`, 'v=0\r\n'), { status: 401 });
    }
    await assert.rejects(wrtcPublishes(server, play.secret), { status: 403 });
  });

  test('libwebrtc publishes: a person sees and hears the encoder, and it plays the person', async () => {
    const [publish, play] = [await newKey('Desk camera', 'publish'), await newKey('Big screen', 'play')];
    const encoder = opened(await wrtcPublishes(server, publish.secret));
    await here('Desk camera');
    await seesOthers(lin, 1);
    await hearsOthers(lin, 1);
    const tag = await encoder.restart();
    assert.notEqual(tag, encoder.etag, 'an ICE restart has another tag');
    await eventually('the pair is a new one', async () => ['connected', 'completed'].includes(encoder.pc.iceConnectionState));
    await seesOthers(lin, 1);
    assert.equal(await encoder.end(), 200);
    await here('Desk camera', false);
    assert.equal(await encoder.end(), 404, 'it has ended');

    const player = opened(await wrtcPlays(server, play.secret));
    await here('Big screen');
    await eventually('the player decodes pictures', () => player.got.frames > 20);
    await eventually('the player hears sound', () => player.got.loud > 20);
    assert.equal(await player.end(), 200);
    await here('Big screen', false);
  });

  test('of two encoders with one key the newer is on the air', async () => {
    const { secret } = await newKey('Stage', 'publish');
    const first = opened(await wrtcPublishes(server, secret));
    await seesOthers(lin, 1);
    const second = opened(await wrtcPublishes(server, secret));
    await eventually('the first session is over', async () => await end(first.location, secret) === 404);
    await seesOthers(lin, 1);
    assert.deepEqual((await roster()).filter((name) => name === 'Stage'), ['Stage']);
    assert.equal(await second.end(), 200);
    await here('Stage', false);
  });

  test('a host removes an encoder, or revokes its key: it is out within 5 s', async () => {
    const removed = await newKey('Removed', 'publish'), revoked = await newKey('Revoked', 'publish');
    const a = opened(await wrtcPublishes(server, removed.secret)), b = opened(await wrtcPublishes(server, revoked.secret));
    await here('Removed');
    await here('Revoked');
    await lin.evaluate(() => globalThis.__room.remove([...globalThis.__room.participants.values()].find((p) => p.name === 'Removed').id));
    await here('Removed', false);
    assert.equal(await end(a.location, removed.secret), 404);
    await ask('DELETE', `/api/v1/rooms/${room}/stream-keys/${revoked.id}`);
    await eventually('the revoked one is gone', async () => !(await roster()).includes('Revoked'), 6_000);
    await assert.rejects(wrtcPublishes(server, revoked.secret), { status: 401 });
    assert.notEqual(await end(b.location, revoked.secret), 200);
  });

  test('werift plays the meeting and publishes what it gets; libdatachannel publishes beside it', async () => {
    const [play, publish, other] = [await newKey('Tap', 'play'), await newKey('Relayed', 'publish'), await newKey('OBS', 'publish')];
    const relay = opened(await weriftRelays(server, play.secret, publish.secret));
    await eventually('werift gets packets', () => relay.got.video > 50 && relay.got.audio > 50);
    await seesOthers(lin, 1);
    await hearsOthers(lin, 1);

    const obs = opened(await datachannelPublishes(server, other.secret));
    await eventually('libdatachannel is connected', () => obs.tracks.video.isOpen());
    await here('OBS');
    assert.equal(await obs.end(), 200);
    await relay.published.end();
    await relay.played.end();
    await here('Relayed', false);
  });

  test('GStreamer publishes VP8 and H.264, and plays', async () => {
    assert.equal(gstreamerLacks(), '', 'GStreamer is complete: run scripts/setup test');
    for (const codec of ['vp8', 'h264']) {
      const { secret } = await newKey(`GStreamer ${codec}`, 'publish');
      const encoder = opened(gstreamer('publish', server, secret, codec));
      await encoder.says(/^state connected$/m);
      await seesOthers(lin, 1);
      await hearsOthers(lin, 1);
      assert.match(await encoder.end(), /^ended 200$/m);
      await here(`GStreamer ${codec}`, false);
    }
    const player = opened(gstreamer('play', server, (await newKey('GStreamer player', 'play')).secret));
    await player.says(/^decoded video$/m);
    await player.says(/^decoded audio$/m);
    assert.match(await player.end(), /^ended 200$/m);
    await here('GStreamer player', false);
  });

  // Their own ICE restart is left out: version 1.2.0 puts a comma between candidates.
  test('the whip-whep clients publish and play from a page of another origin', async () => {
    const source = await Promise.all(['whip', 'whep'].map((name) => readFile(new URL(`../node_modules/whip-whep/${name}.js`, import.meta.url))));
    const pages = createServer((request, response) => {
      const at = ['/whip.js', '/whep.js'].indexOf(request.url);
      response.setHeader('Content-Type', at < 0 ? 'text/html' : 'text/javascript');
      response.end(at < 0 ? '<!doctype html><title>Another site</title>' : source[at]);
    }).listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const [publish, play] = [await newKey('Page encoder', 'publish'), await newKey('Page player', 'play')];
    const site = await chromium.person();
    try {
      await site.goto(`http://localhost:${pages.address().port}/`);
      await site.evaluate(async ([url, secret]) => {
        const { WHIPClient } = await import('/whip.js');
        const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
        const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
        for (const track of media.getTracks()) pc.addTransceiver(track, { direction: 'sendonly', streams: [media] });
        globalThis.encoder = new WHIPClient();
        await globalThis.encoder.publish(pc, `${url}/whip`, secret);
      }, [server.url, publish.secret]);
      await here('Page encoder');
      await seesOthers(lin, 1);

      await site.evaluate(async ([url, secret]) => {
        const { WHEPClient } = await import('/whep.js');
        const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
        for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
        pc.ontrack = ({ track }) => {
          const element = document.createElement(track.kind);
          element.srcObject = new MediaStream([track]);
          document.body.append(element);
          element.play();
        };
        globalThis.player = new WHEPClient();
        await globalThis.player.view(pc, `${url}/whep`, secret);
      }, [server.url, play.secret]);
      await seesOthers(site, 1);
      await hearsOthers(site, 1);

      await site.evaluate(async () => { await globalThis.encoder.stop(); await globalThis.player.stop(); });
      await here('Page encoder', false);
      await here('Page player', false);
      assert.deepEqual(site.console.filter((line) => /error/i.test(line)), []);
    } finally {
      await site.close();
      pages.close();
    }
  });
});
