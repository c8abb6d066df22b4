// The life of a seat over changing sockets: requests, loss, resume, the end.

import { Scope } from './emitter.js';
import { InCameraError } from './errors.js';
import type { ClientKey } from './key.js';
import type { ClientBody, Resumed, ServerMessage } from './protocol.js';
import type { Closed, Socket } from './socket.js';
import type { Connection, Ended, EndReason, Logger, ReconnectPolicy } from './types.js';

/** What a session needs of the room it serves. */
export interface SessionHost {
  /** Last version of the room state held. */
  version(): number;
  /** A new offer when the media transport is gone; '' while it lives. */
  offer(): Promise<string>;
  resumed(resumed: Resumed): void;
  message(message: ServerMessage): void;
  signaling(state: Connection['signaling'], attempt: number): void;
  ended(ended: Ended): void;
  fault(error: InCameraError): void;
}

export interface SessionOptions {
  readonly socket: Socket;
  readonly open: () => Promise<Socket>;
  readonly key: ClientKey;
  readonly ticket: string;
  readonly policy: ReconnectPolicy;
  readonly host: SessionHost;
  readonly logger: Logger;
}

/** Errors of a resume that no later attempt can mend. */
const hopeless: Readonly<Record<string, EndReason>> = {
  ticket_invalid: 'expired', ticket_expired: 'expired', banned: 'banned', removed: 'removed', not_found: 'ended', ended: 'ended',
  unauthorized: 'unauthorized', proof_invalid: 'unauthorized', protocol_unsupported: 'failed', bad_offer: 'failed',
};
const byeEnds: Readonly<Record<string, EndReason>> = {
  left: 'left', removed: 'removed', banned: 'banned', ended: 'ended', replaced: 'replaced', expired: 'expired', revoked: 'revoked', policy: 'policy',
  declined: 'declined',
};
const closeEnds: Readonly<Record<number, EndReason>> = { 4401: 'unauthorized', 4406: 'failed', 4409: 'replaced', 4410: 'ended' };

/** Why a closed socket is the end of the session, or null: try again. */
export function endOf(closed: Closed): Ended | null {
  const said = closed.bye && byeEnds[closed.bye.reason];
  if (said) return { reason: said, byName: closed.bye?.byName ?? '' };
  if (closed.bye) return null; // draining, or a reason of a newer server
  const reason = closeEnds[closed.code];
  return reason ? { reason, byName: '' } : null;
}

/** How long the old socket may take to answer before a new one is opened beside it, and before it is given up. */
const aheadMs = 100;
const silentMs = 5000;

export class Session {
  readonly #options: SessionOptions;
  readonly #scope = new Scope();
  #socket: Socket;
  #ticket: string;
  #reconnecting = false;
  #checking = false;
  #wake: (() => void) | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#ticket = options.ticket;
    if (typeof window !== 'undefined') {
      this.#scope.listen(window, 'online', () => this.#wake?.());
      this.#scope.listen(window, 'pagehide', (event) => {
        // A page that goes for good says so, else the place is kept for a minute.
        if (!(event as PageTransitionEvent).persisted && this.#socket.open) void this.#socket.request({ type: 'leave', body: {} }).catch(() => {});
      });
    }
  }

  /** Begins to hear the socket; not in the constructor, so that the host is complete. */
  start(): void {
    this.#listen(this.#socket);
  }

  get connected(): boolean {
    return !this.#scope.ended && !this.#reconnecting && this.#socket.open;
  }

  async request(body: ClientBody): Promise<ServerMessage> {
    if (this.#scope.ended) throw new InCameraError('closed', 'the meeting is over');
    if (!this.connected) throw new InCameraError('network', 'reconnecting');
    return this.#socket.request(body);
  }

  /** Gives the socket up and resumes on a new one: the way to catch up after a gap or to replace dead media. */
  reopen(why: string): void {
    if (this.#scope.ended || this.#reconnecting) return;
    this.#options.logger.info('resuming', { why });
    this.#drop();
    void this.#reconnect();
  }

  /** The network may have changed under the socket: the old one or a new one, whichever speaks first, goes on. */
  check(why: string): void {
    if (this.#scope.ended || this.#reconnecting || this.#checking) return this.#wake?.();
    this.#checking = true;
    const old = this.#socket;
    const settled = () => !this.#checking || old !== this.#socket || this.#reconnecting || this.#scope.ended;
    old.request({ type: 'ping', body: {} }, silentMs).catch((error: unknown) => {
      // An answer of any kind is a sign of life.
      const code = InCameraError.from(error, 'network').code;
      if (!settled() && (code === 'timeout' || code === 'network')) this.reopen(why);
    }).finally(() => {
      if (old === this.#socket) this.#checking = false;
    });
    this.#scope.timeout(() => {
      if (settled()) return;
      this.#options.open().then((socket) => {
        if (settled()) return socket.close();
        this.#options.logger.info('resuming', { why });
        this.#drop();
        void this.#reconnect(socket);
      }, () => {}); // then nothing answers: the ping ends it
    }, aheadMs);
  }

  async leave(): Promise<void> {
    if (this.#scope.ended) return;
    const socket = this.#socket;
    if (this.connected) {
      // The reply or the bye, whichever comes; a silent server does not keep anybody in the room.
      await socket.request({ type: 'leave', body: {} }, 1000).catch(() => {});
    }
    this.#end({ reason: 'left', byName: '' });
  }

  /** Ends without a word to the server. */
  close(reason: EndReason): void {
    this.#end({ reason, byName: '' });
  }

  #listen(socket: Socket): void {
    socket.attach({
      message: (message) => {
        if (message.type === 'ticket') this.#ticket = message.ticket;
        else this.#options.host.message(message);
      },
      closed: (closed) => {
        if (this.#scope.ended || socket !== this.#socket) return;
        const end = endOf(closed);
        if (end) this.#end(end);
        else if (!this.#reconnecting) void this.#reconnect();
      },
      fault: (error) => this.#options.host.fault(error),
    });
  }

  #drop(): void {
    this.#socket.detach();
    this.#socket.close(4000);
  }

  /** opened: a socket for the first try, which then need not wait. */
  async #reconnect(opened?: Socket): Promise<void> {
    this.#reconnecting = true;
    this.#checking = false;
    const { host, logger, policy } = this.#options;
    let atLeast = 0;
    for (let attempt = 1; ; attempt++) {
      const wait = policy.next(attempt);
      if (wait === null) return this.#end({ reason: 'unreachable', byName: '' });
      const ready = attempt === 1 ? opened : undefined;
      if (!ready) {
        host.signaling('reconnecting', attempt);
        await this.#pause(Math.max(wait, atLeast));
      }
      if (this.#scope.ended) return ready?.close();
      try {
        await this.#resume(ready);
        return;
      } catch (thrown) {
        if (this.#scope.ended) return;
        const error = InCameraError.from(thrown, 'network');
        logger.info('resume failed', { attempt, code: error.code });
        const end = hopeless[error.code];
        if (end) return this.#end({ reason: end, byName: '' });
        atLeast = error.retryAfterMs ?? 0;
      }
    }
  }

  /** Shows a new room token of the same person, with a proof over the question's nonce. */
  async confirmFactor(token: string, nonce: string): Promise<void> {
    const socket = this.#socket;
    const proof = await this.#options.key.prove({ nonce, audience: socket.welcome.audience, token, nowMs: socket.serverNow() });
    await this.request({ type: 'confirmFactor', body: { token, proof } });
  }

  async #resume(opened?: Socket): Promise<void> {
    const { open, key, host } = this.#options;
    const [socket, offer] = await Promise.all([opened ?? open(), host.offer()]);
    try {
      const proof = await key.prove({
        nonce: socket.nonce, audience: socket.welcome.audience, token: this.#ticket, nowMs: socket.serverNow(),
      });
      const reply = await socket.request({
        type: 'resume', body: { ticket: this.#ticket, proof, version: String(host.version()), ...(offer && { offer }) },
      });
      if (this.#scope.ended) throw new InCameraError('closed', 'closed meanwhile');
      if (reply.type !== 'resumed') throw new InCameraError('bad_message', `resume answered with ${reply.type}`);
      if (reply.resumed.ticket) this.#ticket = reply.resumed.ticket;
      this.#socket = socket;
      this.#reconnecting = false;
      host.resumed(reply.resumed);
      host.signaling('connected', 0);
      this.#listen(socket);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** Waits, but no longer than until the machine is online again. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#wake = null;
        cancel();
        leave();
        resolve();
      };
      const cancel = this.#scope.timeout(done, ms);
      const leave = this.#scope.add(() => resolve());
      this.#wake = done;
    });
  }

  #end(ended: Ended): void {
    if (this.#scope.ended) return;
    this.#scope.end();
    this.#drop();
    this.#options.host.signaling('closed', 0);
    this.#options.host.ended(ended);
  }
}
