import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCodecs, cleanOffer } from '../src/codecs.js';

const chromium = [
  { mimeType: 'video/VP8' }, { mimeType: 'video/rtx' },
  { mimeType: 'video/VP9', sdpFmtpLine: 'profile-id=2' }, { mimeType: 'video/VP9', sdpFmtpLine: 'profile-id=0' },
  { mimeType: 'video/H264', sdpFmtpLine: 'level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f' },
  { mimeType: 'video/H264', sdpFmtpLine: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f' },
  { mimeType: 'video/H264', sdpFmtpLine: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f' },
  { mimeType: 'video/AV1', sdpFmtpLine: 'level-idx=5;profile=1;tier=0' }, { mimeType: 'video/AV1', sdpFmtpLine: 'level-idx=5;profile=0;tier=0' },
  { mimeType: 'video/red' }, { mimeType: 'video/ulpfec' }, { mimeType: 'video/flexfec-03' },
];

test('one profile per codec, in order, with retransmission and nothing else', () => {
  assert.deepEqual(chooseCodecs('video', chromium).map((c) => `${c.mimeType} ${c.sdpFmtpLine ?? ''}`.trim()), [
    'video/VP8', 'video/VP9 profile-id=0', 'video/H264 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
    'video/AV1 level-idx=5;profile=0;tier=0', 'video/rtx',
  ]);
});

test('Firefox writes VP9 without a profile', () => {
  assert.deepEqual(chooseCodecs('video', [{ mimeType: 'video/VP9', sdpFmtpLine: 'max-fs=12288;max-fr=60' }]).length, 1);
});

test('sound is Opus; nothing that fits means the list of the browser', () => {
  const [red, opus, pcmu] = [{ mimeType: 'audio/red' }, { mimeType: 'audio/opus' }, { mimeType: 'audio/PCMU' }];
  assert.deepEqual(chooseCodecs('audio', [opus, red, pcmu]), [red, opus]);
  assert.deepEqual(chooseCodecs('audio', [opus, red, pcmu], true), [opus], 'copies inside of opaque frames help nobody on the way');
  assert.deepEqual(chooseCodecs('audio', [opus, pcmu]), [opus]);
  assert.deepEqual(chooseCodecs('audio', [red, pcmu]), []);
  assert.deepEqual(chooseCodecs('video', [{ mimeType: 'video/H265' }, { mimeType: 'video/rtx' }]), []);
});

test('lines of payload types that are not offered go, and so do candidates', () => {
  const sdp = [
    'v=0', 's=-', 'm=video 9 UDP/TLS/RTP/SAVPF 120 124', 'a=rtpmap:120 VP8/90000', 'a=rtcp-fb:120 nack', 'a=rtcp-fb:126 nack',
    'a=fmtp:126 profile-level-id=42e01f', 'a=rtcp-fb:* transport-cc', 'a=candidate:0 1 UDP 1 192.0.2.1 5 typ host', 'a=end-of-candidates',
    'm=audio 9 UDP/TLS/RTP/SAVPF 126', 'a=rtpmap:126 opus/48000/2', '',
  ].join('\r\n');
  assert.deepEqual(cleanOffer(sdp).split('\r\n'), [
    'v=0', 's=-', 'm=video 9 UDP/TLS/RTP/SAVPF 120 124', 'a=rtpmap:120 VP8/90000', 'a=rtcp-fb:120 nack', 'a=rtcp-fb:* transport-cc',
    'm=audio 9 UDP/TLS/RTP/SAVPF 126', 'a=rtpmap:126 opus/48000/2', 'a=rtcp-fb:126 nack', '',
  ]);
});
