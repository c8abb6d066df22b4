import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { packSdp, unpackSdp } from '../src/pack.js';
import { golden } from './paths.js';

const long = 'v=0\r\n' + 'm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n'.repeat(50);

test('an SDP comes out as it was packed', async () => {
  for (const sdp of ['v=0\r\n', long]) assert.equal(await unpackSdp(await packSdp(sdp)), sdp);
  const packed = await packSdp(long);
  assert.ok(packed.length < long.length / 5, `${long.length} characters became ${packed.length}`);
});

test('what is not packed, and nothing at all, stays as it is', async () => {
  assert.equal(await unpackSdp('v=0\r\n'), 'v=0\r\n');
  assert.equal(await packSdp(''), '');
  assert.equal(await unpackSdp(''), '');
});

test('the file that the server reads in its tests is read here too', async () => {
  const text = readFileSync(new URL('../testdata/packed.txt', golden), 'utf8').trim();
  const sdp = await unpackSdp(text);
  assert.ok(sdp.startsWith('v=0\r\n') && sdp.endsWith('a=mid:11\r\n'));
});

test('an answer that is damaged is an error with a code', async () => {
  const packed = await packSdp(long);
  for (const text of ['deflate:', 'deflate:!', 'deflate:AAAA', packed.slice(0, 40)]) {
    await assert.rejects(unpackSdp(text), { code: 'bad_message' }, text);
  }
});
