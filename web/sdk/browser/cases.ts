// What is tried in each browser. Each case runs in its own page and throws when something is wrong.

import { prepare, type PrepareOptions, type Room } from '../src/index.js';
import { bob, FakeServer, me, picture, tone } from './fake.js';

function check(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

async function until<T>(what: string, probe: () => T | Promise<T>, ms = 15_000): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value as Exclude<T, false | null | undefined>;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Scene {
  server: FakeServer;
  room: Room;
  errors: string[];
}

async function join(more: Partial<PrepareOptions> = {}, tracks = true): Promise<Scene> {
  const server = new FakeServer();
  server.install();
  const prepared = prepare({ url: location.origin, room: 'r', reconnect: { next: (n) => (n > 20 ? null : 100) }, ...more });
  await prepared.ready;
  const room = await prepared.connect({ token: 'tok', ...(tracks && { mic: tone(), camera: picture('blue') }) });
  const errors: string[] = [];
  room.on('error', (e) => errors.push(`${e.code}: ${e.message}`));
  await until('media', () => room.connection.media === 'connected');
  return { server, room, errors };
}

function sections(sdp: string): string[] {
  return sdp.split(/(?=^m=)/m).slice(1);
}

export const cases: Record<string, () => Promise<unknown>> = {
  async 'the offer has the lines, layers and codecs that the server expects'() {
    const attached: string[] = [];
    const { server, room } = await join({ attachTransforms: (t) => attached.push(`${t.receiver.track.kind} ${t.direction} ${t.mid}`) });
    const offer = server.offers[0] as string;
    const lines = sections(offer).map((s) => `${/^m=(\w+)/.exec(s)?.[1]} ${/a=(sendonly|recvonly|sendrecv)/.exec(s)?.[1]}`);
    const want = ['audio sendonly', 'video sendonly', 'video sendonly', 'audio sendonly', ...Array(3).fill('audio recvonly'), ...Array(9).fill('video recvonly')];
    check(JSON.stringify(lines) === JSON.stringify(want), `lines: ${lines.join(', ')}`);
    check(attached.length === 16 && attached.every((a) => a.endsWith('null')), `transforms before any negotiation: ${attached.join()}`);
    const camera = sections(offer)[1] as string;
    check(/a=simulcast:send q;h;f/.test(camera), `simulcast: ${/a=simulcast.*/.exec(camera)?.[0]}`);
    const codecs = (s: string) => [...s.matchAll(/a=rtpmap:\d+ ([\w-]+)\//g)].map((m) => m[1]);
    for (const s of sections(offer)) {
      const names = codecs(s).filter((c) => c !== 'rtx');
      check(new Set(names).size === names.length, `one profile per codec: ${names.join()}`);
      check(names[0] === (s.startsWith('m=audio') ? 'opus' : 'VP8'), `first codec ${names[0]}`);
      const types = new Set((/^m=\S+ \d+ \S+ (.*)\r/.exec(s)?.[1] ?? '').split(' '));
      for (const m of s.matchAll(/a=(?:rtpmap|rtcp-fb|fmtp):(\d+) /g)) check(types.has(m[1] as string), `orphan line ${m[0]}`);
    }
    check(!offer.includes('a=candidate'), 'no addresses');
    check(offer.includes('a=group:BUNDLE'), 'bundle');
    await room.leave();
    return { bytes: offer.length, mic: [...(sections(offer)[0] as string).matchAll(/a=extmap:\d+ (\S+)/g)].map((m) => m[1]), video: codecs(sections(offer)[7] as string).join(), camera: codecs(camera).join(), extensions: [...camera.matchAll(/a=extmap:\d+ (\S+)/g)].map((m) => m[1]) };
  },

  async 'media flows both ways, and turning it off and on negotiates nothing'() {
    const { server, room, errors } = await join();
    const sent = (await until('packets', async () => {
      const r = await server.node.received();
      return Object.values(r).filter((n) => n > 10).length >= 2 && r;
    }));
    const video = document.createElement('video');
    document.body.append(video);
    const mirror = document.createElement('video');
    document.body.append(mirror);
    room.watch([{ participant: bob, kind: 'camera', width: 640, height: 360, element: video }, { participant: me, kind: 'camera', width: 9, height: 9, element: mirror }]);
    await until('a picture', () => video.videoWidth > 0 && mirror.videoWidth > 0);
    check(room.videoFor(bob, 'camera') !== null && room.videoFor(me, 'camera') !== null, 'videoFor');
    await room.setCamera(false);
    check(room.videoFor(me, 'camera') === null && room.self?.media.find((m) => m.kind === 'camera')?.on === false && mirror.srcObject === null, 'camera off');
    await room.setMic(false);
    check(!room.media.mic.on, 'mic off');
    await room.setCamera(true);
    await room.setMic(true);
    check(room.media.camera.on && room.media.mic.on && mirror.srcObject !== null, 'on again');
    const stats = await until('frames', async () => {
      const s = await room.stats();
      const r = s.received.find((x) => x.slot === 3);
      return (r?.framesDecoded ?? 0) > 5 && s.received.some((x) => x.type === 'audio' && x.packets > 20) && s;
    });
    check(stats.received.find((r) => r.slot === 3)?.participant === bob, 'stats know the slots');
    check(stats.sent.some((s) => s.kind === 'camera' && s.framesEncoded > 0), 'stats know the sources');
    check(stats.transport.negotiations === 1 && server.offers.length === 1, 'one offer');
    check(stats.transport.srtpCipher !== '', 'srtp cipher');
    room.watch([]);
    check(video.srcObject === null, 'the element is given back');
    await room.leave();
    check(errors.length === 0, errors.join());
    return { sent, srtp: stats.transport.srtpCipher, sentStats: stats.sent };
  },

  async 'a lost socket is resumed, media goes on, switches made meanwhile are told'() {
    const { server, room } = await join();
    const states: string[] = [];
    room.on('connection', (c) => states.push(`${c.signaling}/${c.media}`));
    server.reachable = false;
    server.drop();
    await until('reconnecting', () => room.connection.attempt >= 2);
    await room.setMic(false);
    let refused = '';
    await room.setHand(true).catch((e: { code: string }) => (refused = e.code));
    check(refused === 'network', `verbs say that they cannot be heard: ${refused}`);
    server.version += 3;
    server.reachable = true;
    await until('resumed', () => room.connection.signaling === 'connected');
    check(server.offers.length === 1, 'no new offer while media lives');
    const resume = server.heard.find((m) => m.resume)?.resume;
    check(resume?.ticket === 't1' && !resume.offer, 'the ticket');
    await until('mic told', () => server.media['SOURCE_KIND_MIC']?.on === false);
    check(!states.some((s) => s.endsWith('/lost')), states.join());
    // A gap in the versions resumes too.
    server.version += 5;
    server.event({ locked: true });
    await until('caught up', () => server.heard.filter((m) => m.resume).length === 2 && room.connection.signaling === 'connected');
    check(server.heard.filter((m) => m.resume)[1]?.resume?.ticket === 't2', 'the newer ticket');
    check(room.state.version === server.version && !room.state.stale, 'state caught up');
    await room.leave();
  },

  async 'a move opens a second transport, plays the new one and closes the old'() {
    const { server, room, errors } = await join();
    const video = document.createElement('video');
    document.body.append(video);
    room.watch([{ participant: bob, kind: 'camera', width: 640, height: 360, element: video }]);
    await until('a picture', () => video.videoWidth > 0);
    const before = video.srcObject;
    server.say({ move: { placement: '1', reason: 'drain' } }); // an old epoch: nothing happens
    server.say({ move: { placement: '2', reason: 'drain' } });
    await until('moved', () => server.nodes.length === 2 && room.connection.media === 'connected' && server.nodes[0]?.pc.connectionState !== 'connected', 25_000);
    check(server.nodes.length === 2, 'only the higher epoch counts');
    await until('the new picture', () => video.srcObject !== before && video.srcObject !== null);
    await until('packets at the new node', async () => Object.values(await server.node.received()).filter((n) => n > 10).length >= 2);
    check((await room.stats()).placement === 2, 'placement');
    check(errors.length === 0, errors.join());
    await room.leave();
  },

  async 'a dead transport is replaced by a resume with a new offer'() {
    const { server, room } = await join();
    server.placement = 2;
    server.say({ mediaState: { transport: 'closed', placement: '1' } });
    await until('a new offer', () => server.offers.length === 2);
    await until('media again', () => room.connection.media === 'connected' && room.connection.signaling === 'connected');
    await until('packets', async () => Object.values(await server.node.received()).filter((n) => n > 5).length >= 2);
    await room.leave();
  },

  async 'a bigger grid grows the pool in one negotiation'() {
    const { server, room, errors } = await join();
    const crowd = Array.from({ length: 14 }, (_, i) => ({ participant: `p_${i}`, kind: 'camera' as const, width: 200, height: 100 }));
    room.watch(crowd);
    await until('growth', () => room.slots.filter((s) => s.type === 'video').length === 16);
    check(server.offers.length === 2, `offers: ${server.offers.length}`);
    await until('wishes', () => room.slots.filter((s) => s.participant.startsWith('p_')).length === 14);
    check(errors.length === 0, errors.join());
    await room.leave();
  },

  async 'a host mutes: the track is taken away here too; a refusal puts the switch back'() {
    const { server, room } = await join();
    server.media['SOURCE_KIND_MIC'] = { on: false, mutedByHost: true };
    server.event({ participantChanged: server.self() }, bob);
    await until('muted', () => !room.media.mic.on && room.media.mic.mutedByHost);
    server.refuse = { setMedia: 'forbidden' };
    let code = '';
    await room.setMic(true).catch((e: { code: string }) => (code = e.code));
    check(code === 'forbidden' && !room.media.mic.on, `refused: ${code}`);
    server.refuse = {};
    await room.setMic(true);
    check(room.media.mic.on && !room.media.mic.mutedByHost, 'allowed again');
    await room.leave();
  },

  async 'joining without devices listens; the end comes once and frees everything'() {
    const { server, room } = await join({}, false);
    const join1 = server.heard.find((m) => m.join)?.join;
    check(join1?.media?.mic === false && join1.media.camera === false, 'intent');
    const ended: string[] = [];
    room.on('ended', (e) => ended.push(`${e.reason} ${e.byName}`));
    server.say({ bye: { reason: 'removed', byName: 'Bob' } });
    server.drop(4410);
    await until('ended', () => ended.length);
    check(ended.join() === 'removed Bob', ended.join());
    check(room.connection.media === 'closed' && room.connection.signaling === 'closed', 'closed');
    let code = '';
    await room.sendChat('x').catch((e: { code: string }) => (code = e.code));
    check(code === 'closed', code);
    await room.leave();
  },

  async 'somebody waits at the door over a broken socket, is let in and joins; another is declined'() {
    const server = new FakeServer();
    server.install();
    const prepared = prepare({ url: location.origin, room: 'r', reconnect: { next: () => 50 } });
    const heard: boolean[] = [];
    const waiting = prepared.waitInLobby({ pass: 'pass', name: 'Grace', onWaiting: (w) => heard.push(w.hostPresent) });
    await until('waiting', () => heard.length === 1);
    server.say({ waiting: { waiter: 'w_1', roomTitle: 'Title', hostPresent: true } });
    await until('the host came', () => heard[1]);
    server.drop();
    await until('waiting again', () => server.heard.filter((m) => m.enterLobby).length === 2 && heard.length === 3);
    server.say({ admitted: { token: 'guest token', nonce: 'fresh' } });
    const room = await prepared.connect({ admitted: await waiting, mic: tone() });
    const joined = server.heard.find((m) => m.join)?.join;
    const proof = JSON.parse(atob((joined?.proof ?? '').split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '')) as { nonce: string };
    check(joined?.token === 'guest token' && proof.nonce === 'fresh', `nonce ${proof.nonce}`);
    check(prepared.state === 'closed', 'used up');
    await room.leave();
    const other = prepare({ url: location.origin, room: 'r' });
    const refused = other.waitInLobby({ pass: 'pass', name: 'Eve' });
    await until('waiting', () => server.heard.filter((m) => m.enterLobby).length === 3);
    server.say({ bye: { reason: 'declined' } });
    const refusal = await refused.catch((e: { code: string }) => e.code);
    check(refusal === 'declined', String(refusal));
    const abort = new AbortController();
    const gone = other.waitInLobby({ pass: 'pass', name: 'Eve', signal: abort.signal });
    await until('waiting', () => server.heard.filter((m) => m.enterLobby).length === 4);
    abort.abort();
    const stopped = await gone.catch((e: { code: string }) => e.code);
    check(stopped === 'aborted', String(stopped));
    other.close();
  },

  async 'a screen is shared on the line that was there, and the end of its track ends it'() {
    const { server, room } = await join();
    navigator.mediaDevices.getDisplayMedia = () => Promise.resolve(new MediaStream([picture('green'), tone()]));
    await room.shareScreen(true);
    check(room.media.screen.on && room.media.screenAudio.on, 'on');
    check(server.media['SOURCE_KIND_SCREEN']?.on && server.media['SOURCE_KIND_SCREEN_AUDIO']?.on, 'told');
    await until('screen packets', async () => ((await server.node.received())['video/2'] ?? 0) > 5);
    const track = room.videoFor(me, 'screen');
    let heard = false;
    track?.addEventListener('ended', () => (heard = true));
    track?.dispatchEvent(new Event('ended')); // what the browser's own stop button does
    if (!heard) await room.shareScreen(false); // Firefox delivers no pretended events to tracks
    await until('off', () => !room.media.screen.on && !room.media.screenAudio.on && server.media['SOURCE_KIND_SCREEN']?.on === false);
    await until('sound off', () => server.media['SOURCE_KIND_SCREEN_AUDIO']?.on === false);
    await room.shareScreen(true, { audio: false });
    await room.shareScreen(false);
    check(!room.media.screen.on && server.offers.length === 1, 'no negotiation');
    navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    let code = '';
    await room.shareScreen(true).catch((e: { code: string }) => (code = e.code));
    check(code === 'device_blocked' && !room.media.screen.on, code);
    await room.leave();
  },

  async 'devices are opened, switched and given back'() {
    const { server, room, errors } = await join({}, false);
    await room.setMic(true);
    await room.setCamera(true);
    const camera = room.videoFor(me, 'camera');
    check(camera?.readyState === 'live' && server.media['SOURCE_KIND_CAMERA']?.on, 'camera on');
    await until('camera packets', async () => ((await server.node.received())['video/1'] ?? 0) > 5);
    const id = camera.getSettings().deviceId as string;
    await room.switchDevice('camera', id);
    check(room.videoFor(me, 'camera') !== camera && (camera.readyState as string) === 'ended', 'switched');
    // Quick fingers: the last word counts.
    await Promise.all([room.setMic(false), room.setMic(true), room.setMic(false)]);
    check(!room.media.mic.on && server.media['SOURCE_KIND_MIC']?.on === false, 'off');
    let code = '';
    await room.switchDevice('camera', 'no such').catch((e: { code: string }) => (code = e.code));
    check(code === 'device_missing' && room.media.camera.on, code);
    const now = room.videoFor(me, 'camera');
    await room.leave();
    check(now?.readyState === 'ended', 'given back');
    check(errors.length === 0, errors.join());
  },

  async 'a refused join can be tried again with a new token'() {
    const server = new FakeServer();
    server.install();
    server.refuse = { join: 'token_expired' };
    const prepared = prepare({ url: location.origin, room: 'r', publish: { mic: false, camera: false, screen: false } });
    let code = '';
    await prepared.connect({ token: 'old' }).catch((e: { code: string }) => (code = e.code));
    check(code === 'token_expired', code);
    server.refuse = {};
    const room = await prepared.connect({ tokenProvider: async (jkt) => `for ${jkt}` });
    check(server.sockets === 2 && server.offers.length === 1, 'a new socket, the same offer');
    check(sections(server.offers[0] as string).length === 12, 'a viewer offers no sending lines');
    await until('media', () => room.connection.media === 'connected');
    await room.leave();
  },
};
