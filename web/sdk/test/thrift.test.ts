import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Publisher } from '../src/publish.js';
import { applyThrift, Thrift, type Uplink } from '../src/thrift.js';

const line = (kbps: number, lost = 0, roundTripMs = 40): Uplink => ({ bitsPerSecond: kbps * 1000, lost, roundTripMs, sent: 0, again: 0 });

/** What is decided after so many looks, four in a second. */
function watched(thrift: Thrift, state: Uplink, looks: number, fromMs: number): boolean {
  for (let i = 0; i < looks; i++) thrift.observe(state, fromMs + i * 250);
  return thrift.thrifty;
}

test('on an uplink that hardly carries sound only what is needed is sent, and on a wide one all', () => {
  const thrift = new Thrift();
  assert.equal(watched(thrift, line(2000), 10, 0), false);
  assert.equal(thrift.observe(line(140), 3000), false, 'one look is no proof');
  assert.equal(thrift.observe(line(140), 3250), true);
  assert.equal(watched(thrift, line(290), 100, 4000), true);
  assert.equal(watched(thrift, line(320), 10, 30_000), true, 'not at the first good moment');
  assert.equal(watched(thrift, line(320), 20, 32_500), false);
});

test('who was wrong about a wide uplink waits longer the next time', () => {
  const thrift = new Thrift();
  watched(thrift, line(100), 2, 0);
  assert.equal(watched(thrift, line(320), 20, 1000), false);
  watched(thrift, line(100), 2, 7000);
  assert.equal(watched(thrift, line(320), 20, 8000), true);
  assert.equal(watched(thrift, line(320), 20, 13_000), false);
});

test('copies of the sound stay where packets are lost on the way, and go where a queue loses them', () => {
  assert.equal(watched(new Thrift(), line(110, 0.3, 45), 40, 0), false);
  const thrift = new Thrift();
  watched(thrift, line(2000), 4, 0);
  assert.equal(watched(thrift, line(110, 0.3, 900), 4, 1000), true);
});

test('what was lost and came when it was asked for counts as lost', () => {
  const thrift = new Thrift();
  let [sent, again] = [0, 0];
  for (let i = 0; i < 200; i++) {
    thrift.observe({ ...line(i < 20 ? 2000 : 110), sent: (sent += 12), again: (again += i % 4 === 0 ? 4 : 0) }, i * 250);
    assert.equal(thrift.thrifty, false);
  }
  for (let i = 0; i < 40; i++) thrift.observe({ ...line(110), sent: (sent += 12), again }, 50_000 + i * 250);
  assert.equal(thrift.thrifty, true);
});

test('a browser that tells nothing of its uplink is left alone', () => {
  assert.equal(watched(new Thrift(), { ...line(0), bitsPerSecond: null }, 40, 0), false);
});

const red = { mimeType: 'audio/red', clockRate: 48000, channels: 2, payloadType: 63 };
const opus = { mimeType: 'audio/opus', clockRate: 48000, channels: 2, sdpFmtpLine: 'minptime=10;useinbandfec=1', payloadType: 111 };

function sender(initial: object, said: RTCRtpSendParameters[]): RTCRtpSender {
  let now = initial;
  return {
    getParameters: () => structuredClone(now),
    setParameters: (p: RTCRtpSendParameters) => { said.push(p); now = p; return Promise.resolve(); },
    replaceTrack: () => Promise.resolve(),
  } as unknown as RTCRtpSender;
}

test('sound goes without copies and with fewer bits, and as before afterwards', () => {
  const parameters = { codecs: [red, opus], encodings: [{ priority: 'high' }] } as unknown as RTCRtpSendParameters;
  assert.equal(applyThrift(parameters, false), false);
  assert.equal(applyThrift(parameters, true), true);
  const [first] = parameters.encodings as { codec?: { mimeType: string }; maxBitrate?: number }[];
  assert.equal(first?.codec?.mimeType, 'audio/opus');
  assert.ok((first?.maxBitrate ?? Infinity) < 32_000);
  assert.equal(applyThrift(parameters, true), false);
  assert.equal(applyThrift(parameters, false), true);
  assert.deepEqual(parameters.encodings, [{ priority: 'high' }]);
});

test('a narrow uplink switches larger pictures off and keeps what the server wishes for later', async () => {
  const sound: RTCRtpSendParameters[] = [];
  const pictures: RTCRtpSendParameters[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const publisher = new Publisher({ mic: true, camera: true, screen: false }, logger);
  await publisher.attach({
    mic: sender({ codecs: [red, opus], encodings: [{}] }, sound),
    camera: sender({ codecs: [], encodings: [{ rid: 'q', active: true }, { rid: 'h', active: true }, { rid: 'f', active: false }] }, pictures),
  });
  for (let i = 0; i < 2; i++) publisher.uplink(line(120));
  publisher.hint('camera', ['q', 'h', 'f'].map((rid) => ({ rid, active: true, spatial: 0 })));
  await publisher.setTrack('mic', null); // behind all that in the queue
  assert.equal(sound.length, 1);
  assert.deepEqual(pictures.at(-1)?.encodings.map((e) => e.active), [true, false, false]);
});
