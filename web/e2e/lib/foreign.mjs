// Encoders and players that other people wrote, on their libraries' defaults: wrtc (libwebrtc without a browser), werift
// (WebRTC in TypeScript) and libdatachannel (which OBS Studio is built on).
import wrtc from '@roamhq/wrtc';
import * as werift from 'werift';
import datachannel from 'node-datachannel';
import { spawn, spawnSync } from 'node:child_process';
import { eventually, post, restart } from './whip.mjs';

const { RTCVideoSource, RTCAudioSource, RTCVideoSink, RTCAudioSink } = wrtc.nonstandard;

/** What a source of pictures and sound is to wrtc: a moving bar and a tone. */
function feed() {
  const video = new RTCVideoSource(), audio = new RTCAudioSource();
  const width = 320, height = 240;
  let n = 0, sample = 0;
  const pictures = setInterval(() => {
    const data = new Uint8ClampedArray(width * height * 3 / 2).fill(128);
    const bar = (n++ * 4) % width;
    for (let y = 0; y < height; y++) data.fill(235, y * width + bar, y * width + Math.min(bar + 20, width));
    video.onFrame({ width, height, data });
  }, 50);
  const sound = setInterval(() => {
    const samples = new Int16Array(480);
    for (let i = 0; i < samples.length; i++) samples[i] = 9000 * Math.sin(2 * Math.PI * 440 * (sample++) / 48000);
    audio.onData({ samples, sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
  }, 10);
  return { tracks: [video.createTrack(), audio.createTrack()], stop() { clearInterval(pictures); clearInterval(sound); } };
}

/** libwebrtc publishes: `addTrack`, which goes both ways, and a data channel beside it. */
export async function wrtcPublishes(server, key) {
  const pc = new wrtc.RTCPeerConnection(), source = feed();
  for (const track of source.tracks) pc.addTrack(track);
  pc.createDataChannel('unused');
  await pc.setLocalDescription(await pc.createOffer());
  const close = () => { source.stop(); pc.close(); };
  try {
    const session = await post(server, 'whip', key, pc.localDescription.sdp);
    await pc.setRemoteDescription({ type: 'answer', sdp: session.answer });
    return {
      ...session, pc, close,
      /** Gives the new tag. */
      async restart() {
        await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
        const { answer, etag } = await restart(session, key, pc.localDescription.sdp);
        await pc.setRemoteDescription({ type: 'answer', sdp: answer });
        return etag;
      },
    };
  } catch (e) { close(); throw e; }
}

/** libwebrtc plays: decoded frames and loud samples are counted. */
export async function wrtcPlays(server, key) {
  const pc = new wrtc.RTCPeerConnection(), sinks = [], got = { frames: 0, width: 0, loud: 0 };
  pc.ontrack = ({ track }) => {
    const sink = track.kind === 'video' ? new RTCVideoSink(track) : new RTCAudioSink(track);
    sinks.push(sink);
    if (track.kind === 'video') sink.onframe = ({ frame }) => { got.frames++; got.width = frame.width; };
    else sink.ondata = ({ samples }) => { if (samples.some((s) => Math.abs(s) > 200)) got.loud++; };
  };
  for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
  await pc.setLocalDescription(await pc.createOffer());
  const session = await post(server, 'whep', key, pc.localDescription.sdp);
  await pc.setRemoteDescription({ type: 'answer', sdp: session.answer });
  return { ...session, pc, got, close() { for (const s of sinks) s.stop(); pc.close(); } };
}

/** werift plays by one key and publishes what it gets by another, packet for packet. */
export async function weriftRelays(server, playKey, publishKey) {
  const got = { video: 0, audio: 0 };
  const to = new werift.RTCPeerConnection({}), from = new werift.RTCPeerConnection({});
  const close = () => Promise.all([from.close(), to.close()]);
  try {
    const out = {};
    for (const kind of ['video', 'audio']) {
      const track = new werift.MediaStreamTrack({ kind });
      out[kind] = { track, sender: to.addTransceiver(track, { direction: 'sendonly' }).sender };
    }
    await to.setLocalDescription(await to.createOffer());
    const published = await post(server, 'whip', publishKey, to.localDescription.sdp);
    await to.setRemoteDescription({ type: 'answer', sdp: published.answer });

    for (const kind of ['video', 'audio']) {
      const transceiver = from.addTransceiver(kind, { direction: 'recvonly' });
      transceiver.onTrack.subscribe((track) => {
        track.onReceiveRtp.subscribe((rtp) => { got[kind]++; out[kind].track.writeRtp(rtp.clone()); });
        if (kind === 'video') out.video.sender.onPictureLossIndication.subscribe(() => transceiver.receiver.sendRtcpPLI(track.ssrc));
      });
    }
    await from.setLocalDescription(await from.createOffer());
    const played = await post(server, 'whep', playKey, from.localDescription.sdp);
    await from.setRemoteDescription({ type: 'answer', sdp: played.answer });
    return { published, played, got, to, from, close };
  } catch (e) { await close(); throw e; }
}

/** libdatachannel publishes the two sections that OBS Studio writes, and sends the packets that it is given. */
export async function datachannelPublishes(server, key) {
  const pc = new datachannel.PeerConnection('encoder', { iceServers: [], disableAutoNegotiation: true });
  const audio = new datachannel.Audio('0', 'SendOnly'), video = new datachannel.Video('1', 'SendOnly');
  audio.addOpusCodec(111); audio.addSSRC(4242, 'encoder', 'encoder', 'encoder-audio');
  video.addVP8Codec(96); video.addSSRC(4243, 'encoder', 'encoder', 'encoder-video');
  const tracks = { audio: pc.addTrack(audio), video: pc.addTrack(video) };
  try {
    const offer = await new Promise((ok) => {
      pc.onGatheringStateChange((state) => { if (state === 'complete') ok(pc.localDescription().sdp); });
      pc.setLocalDescription();
    });
    const session = await post(server, 'whip', key, offer);
    pc.setRemoteDescription(session.answer, 'answer');
    return { ...session, pc, tracks, close: () => pc.close() };
  } catch (e) { pc.close(); throw e; }
}

const python = '/usr/bin/python3';
const pieces = 'import gi\ngi.require_version("Gst","1.0")\ngi.require_version("GstWebRTC","1.0")\nfrom gi.repository import Gst, GstWebRTC\nGst.init(None)\n'
  + 'missing = [e for e in ("webrtcbin","nicesink","vp8enc","vp8dec","opusenc","openh264enc","dtlsenc","srtpenc") if not Gst.ElementFactory.find(e)]\nprint(*missing)';

/** What GStreamer lacks here for gstreamer.py, in words; empty when nothing. */
export function gstreamerLacks() {
  const r = spawnSync(python, ['-c', pieces], { encoding: 'utf8' });
  return r.error ? String(r.error.message) : r.status !== 0 ? r.stderr.trim().split('\n').pop() : r.stdout.trim();
}

/** webrtcbin publishes (`codec` vp8 or h264) or plays; `says` waits for a line that matches. */
export function gstreamer(mode, server, key, codec) {
  const script = new URL('gstreamer.py', import.meta.url).pathname;
  const args = [script, mode, `${server.url}/${mode === 'play' ? 'whep' : 'whip'}`, key, ...(codec ? [codec] : [])];
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { output += text; });
  const exited = new Promise((ok) => child.once('exit', ok));
  const says = (pattern) => eventually(`GStreamer says ${pattern}`, () => pattern.test(output), 20_000)
    .catch((e) => { throw new Error(`${e.message}\n${output}`); });
  return {
    says,
    async end() { child.stdin.end('\n'); await exited; return output; },
    async close() { child.kill(); await exited; },
  };
}

/** Ends what libdatachannel keeps running. */
export function datachannelEnds() { datachannel.cleanup(); }
