import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSendLines, Publisher } from '../src/publish.js';

interface Line { readonly media: string; readonly init: RTCRtpTransceiverInit }

function fake(refuse: (init: RTCRtpTransceiverInit) => boolean = () => false) {
  const lines: Line[] = [];
  const pc = {
    addTransceiver(media: string, init: RTCRtpTransceiverInit) {
      if (refuse(init)) throw new TypeError('unknown member');
      lines.push({ media, init });
      return { sender: {} };
    },
  };
  return { lines, pc: pc as unknown as RTCPeerConnection };
}

const plan = { mic: true, camera: true, screen: true };

test('on a slow uplink sound comes before pictures', () => {
  const { lines, pc } = fake();
  addSendLines(pc, plan, () => {});
  for (const { media, init } of lines) {
    const first = init.sendEncodings?.[0];
    assert.equal(first?.priority === 'high' && first.networkPriority === 'high', media === 'audio', media);
  }
  assert.deepEqual(lines.map((l) => l.media), ['audio', 'video', 'video', 'audio']);
});

test('a browser that knows no priorities sends sound all the same', () => {
  const { lines, pc } = fake((init) => init.sendEncodings?.[0]?.priority !== undefined);
  assert.deepEqual(Object.keys(addSendLines(pc, plan, () => {})), ['mic', 'camera', 'screen', 'screen_audio']);
  assert.equal(lines[0]?.init.sendEncodings, undefined);
});

test('the lowest layer is one that a very slow uplink carries', () => {
  const { lines, pc } = fake();
  addSendLines(pc, plan, () => {});
  const layers = lines[1]?.init.sendEncodings ?? [];
  assert.ok((layers[0]?.maxBitrate ?? Infinity) <= 150_000);
  for (let i = 1; i < layers.length; i++) assert.ok((layers[i]?.maxBitrate ?? 0) >= 3 * (layers[i - 1]?.maxBitrate ?? 0));
});

test('a camera may lose sharpness and frames alike; it is said once', async () => {
  const said: RTCRtpSendParameters[] = [];
  const sender = {
    getParameters: () => ({ encodings: [{ rid: 'q', active: true }, { rid: 'f', active: false }] }),
    setParameters: (p: RTCRtpSendParameters) => { said.push(p); return Promise.resolve(); },
    replaceTrack: () => Promise.resolve(),
  } as unknown as RTCRtpSender;
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const publisher = new Publisher(plan, logger);
  await publisher.attach({ camera: sender });
  publisher.hint('camera', [{ rid: 'q', active: true }, { rid: 'f', active: false }]);
  publisher.hint('camera', [{ rid: 'q', active: true }, { rid: 'f', active: false }]);
  await publisher.setTrack('mic', null); // behind the hints in the queue
  assert.equal(said.length, 1);
  assert.equal((said[0] as { degradationPreference?: string }).degradationPreference, 'balanced');
});
