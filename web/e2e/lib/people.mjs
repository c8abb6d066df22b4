// What people do, in their words: set up, sign in, start a meeting, join it.
import { totp } from './totp.mjs';

/** Codes work once per step, so a later code of one account uses the next step; the server accepts one step ahead. */
const usedStep = new Map();
export function code(secret) {
  const now = Math.floor(Date.now() / 30_000);
  const step = Math.max(now, (usedStep.get(secret) ?? 0) + 1);
  usedStep.set(secret, step);
  return totp(secret, step);
}

/** Waits until the server will accept the code that code() gives next. */
async function codeTime(secret) {
  while ((usedStep.get(secret) ?? 0) > Math.floor(Date.now() / 30_000)) await new Promise((r) => setTimeout(r, 250));
}

/** Types a one-time code as a password manager does: all six digits at once; the form sends itself. */
async function typeCode(person, secret) {
  await codeTime(secret);
  await person.fill('otp-input', code(secret));
}

async function enrol(person) {
  await person.click('enrol-app');
  await person.see('setup-secret');
  const secret = await person.evaluate(() => document.querySelector('[data-testid="setup-secret"]').dataset.secret);
  await typeCode(person, secret);
  await person.see('setup-codes');
  const recovery = (await person.evaluate(() => [...document.querySelectorAll('[data-testid="setup-codes"] li')].map((li) => li.textContent)));
  await person.click('setup-saved');
  await person.click('setup-done');
  await person.see('home-start');
  return { secret, recovery };
}

/** First run: the printed link, the first account, its second factor. */
export async function setUp(person, server, { name = 'Lin Yue', login = 'lin.yue', password = 'correct horse battery staple' } = {}) {
  await person.goto(`${server.url}/setup#${server.setupToken}`);
  await person.fill('setup-name', name);
  await person.fill('setup-login', login);
  await person.fill('setup-password', password);
  await person.click('setup-submit');
  return { name, login, password, ...(await enrol(person)) };
}

/** An administrator makes an account; its owner accepts the invitation on their own page. */
export async function invite(admin, person, server, { name, login, password = 'a quiet lamp by the window' }) {
  const { invite: token, link } = await admin.evaluate(async (body) => {
    const r = await fetch('/api/v1/users', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (!r.ok) throw new Error(await r.text());
    return r.json();
  }, { name, login, role: 'user' });
  await person.goto(link ?? `${server.url}/invite#${token}`);
  await person.fill('setup-password', password);
  await person.click('setup-submit');
  return { name, login, password, ...(await enrol(person)) };
}

export async function signIn(person, server, account) {
  await person.goto(`${server.url}/sign-in`);
  await person.fill('signin-login', account.login);
  await person.fill('signin-password', account.password);
  await person.click('signin-submit');
  if (account.way) await person.click(account.way); // somebody with several ways chooses one
  await typeCode(person, account.secret);
  await person.see('home-start');
}

/** Starts a meeting from home; the person is then at its pre-join page. Returns the room's link. */
export async function startMeeting(person, server) {
  await person.click('home-start');
  await person.until(() => /^\/r\/[a-z2-9]{10}$/.test(location.pathname), null, { what: 'a room page' });
  return `${server.url}${new URL(person.url()).pathname}`;
}

export async function join(person) {
  await person.click('prejoin-join');
  await person.see('dock-leave');
}

/** Tiles by participant and kind, with the size of the picture that plays in them. */
export function tiles(person) {
  return person.evaluate(() => [...document.querySelectorAll('[data-testid="tile"]')].map((tile) => {
    const video = tile.querySelector('video');
    return {
      participant: tile.dataset.participant, kind: tile.dataset.kind, speaking: tile.dataset.speaking === 'true',
      text: tile.textContent, width: video?.videoWidth ?? 0, height: video?.videoHeight ?? 0, playing: !!video && !video.paused && video.readyState >= 2,
    };
  }));
}

/** Waits until pictures of `count` others have decoded `frames` more frames each. */
export async function seesOthers(person, count, frames = 15) {
  const before = new Map((await person.inbound('video')).map((r) => [r.ssrc, r.framesDecoded ?? 0]));
  await person.until(async ([n, more, start]) => {
    const was = new Map(start);
    const live = (await globalThis.__observer.inbound('video')).filter((r) => (r.framesDecoded ?? 0) >= (was.get(r.ssrc) ?? 0) + more && r.frameWidth > 0);
    return live.length >= n;
  }, [count, frames, [...before]], { ms: 20_000, what: `video of ${count} others` });
}

/** Waits until sound of `count` others flows: packets rise, and energy where the browser measures it. */
export async function hearsOthers(person, count) {
  const before = new Map((await person.inbound('audio')).map((r) => [r.ssrc, [r.packetsReceived ?? 0, r.totalAudioEnergy ?? 0]]));
  await person.until(async ([n, start]) => {
    const was = new Map(start);
    const live = (await globalThis.__observer.inbound('audio')).filter((r) => {
      const [packets, energy] = was.get(r.ssrc) ?? [0, 0];
      return (r.packetsReceived ?? 0) >= packets + 25 && (r.totalAudioEnergy === undefined || r.totalAudioEnergy > energy);
    });
    return live.length >= n;
  }, [count, [...before]], { ms: 20_000, what: `sound of ${count} others` });
}
