import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InCameraError } from '../src/errors.js';
import { LocalSources, type LocalHost } from '../src/local.js';
import { Publisher, type Senders } from '../src/publish.js';
import { applyToParameters, screenSettings } from '../src/screen.js';
import type { SourceKind } from '../src/types.js';

const quiet = { debug() {}, info() {}, warn() {} };

class Track extends EventTarget {
  readyState = 'live';
  enabled = true;
  contentHint = '';
  fps = 0;
  constructor(readonly kind: string) { super(); }
  getSettings() { return { deviceId: this.kind }; }
  async applyConstraints(c: { frameRate: { max: number } }) { this.fps = c.frameRate.max; }
  stop() { this.readyState = 'ended'; }
  unplug() { this.stop(); this.dispatchEvent(new Event('ended')); }
}

class Sender {
  parameters: { degradationPreference?: string; encodings: RTCRtpEncodingParameters[] } = { encodings: [{ rid: 'h' }, { rid: 'f' }] };
  track: unknown = null;
  getParameters() { return structuredClone(this.parameters); }
  async setParameters(p: typeof this.parameters) { this.parameters = p; }
  async replaceTrack(track: unknown) { this.track = track; }
}

function person() {
  const told: string[] = [];
  const errors: InCameraError[] = [];
  const host: LocalHost = {
    async tell(kind: SourceKind, on: boolean) { told.push(`${kind} ${on}`); },
    may: () => true, changed() {}, error: (e) => void errors.push(e),
  };
  const publisher = new Publisher({ mic: true, camera: true, screen: true }, quiet);
  const senders = { mic: new Sender(), camera: new Sender(), screen: new Sender(), screen_audio: new Sender() };
  const opened: Track[] = [];
  let plugged = true;
  const opener = (kind: string) => async () => {
    if (!plugged) throw new InCameraError('device_missing', 'none left');
    const track = new Track(`${kind} ${opened.length}`);
    opened.push(track);
    return track as unknown as MediaStreamTrack;
  };
  const local = new LocalSources(publisher, host, {
    mic: opener('mic'), camera: opener('camera'),
    screen: async () => ({ video: await opener('screen')(), audio: null }),
  });
  return { local, told, errors, senders, opened, unplugAll: () => (plugged = false), ready: publisher.attach(senders as unknown as Senders) };
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

test('a screen is sharp at 15 pictures a second, or smooth at 30, and never outside of 5 to 30', () => {
  assert.deepEqual(screenSettings(), { mode: 'detail', framesPerSecond: 15 });
  assert.deepEqual(screenSettings('motion'), { mode: 'motion', framesPerSecond: 30 });
  assert.equal(screenSettings('detail', 1).framesPerSecond, 5);
  assert.equal(screenSettings('motion', 120).framesPerSecond, 30);
  assert.equal(screenSettings('motion', NaN).framesPerSecond, 30);
});

test('the encoder is told what to give up first; the small picture stays slow', () => {
  const parameters = new Sender().parameters as unknown as RTCRtpSendParameters & { degradationPreference?: string };
  assert.equal(applyToParameters(parameters, screenSettings('detail')), true);
  assert.equal(parameters.degradationPreference, 'maintain-resolution');
  assert.deepEqual(parameters.encodings.map((e) => e.maxFramerate), [5, 15]);
  assert.equal(applyToParameters(parameters, screenSettings('detail')), false, 'nothing changed');
  applyToParameters(parameters, screenSettings('motion', 24));
  assert.equal(parameters.degradationPreference, 'maintain-framerate');
  assert.deepEqual(parameters.encodings.map((e) => e.maxFramerate), [15, 24]);
});

test('the mode changes while a screen is shared, and is kept for the next one', async () => {
  const p = person();
  await p.ready;
  await p.local.share(true);
  const [track] = p.opened;
  assert.equal(p.senders.screen.parameters.degradationPreference, 'maintain-resolution');
  await p.local.setScreenMode('motion', 20);
  assert.deepEqual([track?.contentHint, track?.fps, p.senders.screen.parameters.encodings[1]?.maxFramerate], ['motion', 20, 20]);
  assert.equal(p.senders.screen.track, track, 'the same track goes on');
  await p.local.share(false);
  await p.local.share(true);
  assert.deepEqual(p.local.view().screenSettings, { mode: 'motion', framesPerSecond: 20 });
});

test('who pulls the headset out goes on through the microphone that is left', async () => {
  const p = person();
  await p.ready;
  await p.local.set('mic', true);
  p.opened[0]?.unplug();
  await settle();
  assert.equal(p.senders.mic.track, p.opened[1]);
  assert.equal(p.local.view().mic.on, true);
  assert.deepEqual(p.errors, []);
});

test('when no microphone is left the person is told, and so are the others', async () => {
  const p = person();
  await p.ready;
  await p.local.set('mic', true);
  p.unplugAll();
  p.opened[0]?.unplug();
  await settle();
  assert.equal(p.local.view().mic.on, false);
  assert.deepEqual(p.errors.map((e) => e.code), ['device_missing']);
  assert.deepEqual(p.told, ['mic true', 'mic false']);
});

test('a camera that went away is not replaced by another one unasked', async () => {
  const p = person();
  await p.ready;
  await p.local.set('camera', true);
  p.opened[0]?.unplug();
  await settle();
  assert.equal(p.opened.length, 1);
  assert.equal(p.local.view().camera.on, false);
  assert.deepEqual(p.errors.map((e) => e.code), ['device_missing']);
});
