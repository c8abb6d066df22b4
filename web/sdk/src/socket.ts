// One WebSocket: hello and welcome, requests with replies, keep-alive. It lives once; reconnecting makes a new one.

import { Scope } from './emitter.js';
import { InCameraError } from './errors.js';
import {
  decodeServer, encodeClient, protocolVersion, subprotocol, type ClientBody, type ServerMessage, type Welcome,
} from './protocol.js';
import { packSdp } from './pack.js';
import type { Logger } from './types.js';

export interface SocketOptions {
  readonly url: string;
  readonly client: string;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
  readonly openTimeoutMs?: number;
  /** For tests. */
  readonly WebSocket?: typeof WebSocket;
}

export interface Closed {
  readonly code: number;
  /** The server's last word, when it said one. */
  readonly bye: { readonly reason: string; readonly byName: string } | null;
}

export interface SocketHandler {
  message(message: ServerMessage): void;
  closed(closed: Closed): void;
  fault(error: InCameraError): void;
}

interface Pending {
  resolve(message: ServerMessage): void;
  reject(error: InCameraError): void;
}

const defaultPingMs = 15_000;
/** A server that says nothing for this long after a ping is gone. */
const pongMs = 5_000;

/** "https://host[/prefix]" to the address of the protocol's socket. */
export function socketUrl(base: string): string {
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    throw new InCameraError('bad_argument', 'url is not an address');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new InCameraError('bad_argument', 'url must be https');
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin}${url.pathname.replace(/\/+$/, '')}/api/v1/ws`;
}

export class Socket {
  readonly welcome: Welcome;
  /** What the next proof on this socket must carry. */
  nonce: string;
  readonly #ws: WebSocket;
  readonly #logger: Logger;
  readonly #scope: Scope;
  readonly #pending: Map<number, Pending>;
  readonly #clockOffsetMs: number;
  #nextId = 2; // 1 was hello
  #handler: SocketHandler | null = null;
  #early: ServerMessage[] = [];
  #closed: Closed | null = null;
  #bye: Closed['bye'] = null;
  #heardAt = Date.now();

  /** Resolves when the server has said welcome. */
  static open(options: SocketOptions): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const scope = new Scope();
      const fail = (error: InCameraError) => {
        scope.end();
        ws?.close();
        reject(error);
      };
      let ws: WebSocket | undefined;
      if (options.signal?.aborted) return fail(new InCameraError('aborted', 'aborted'));
      try {
        ws = new (options.WebSocket ?? WebSocket)(options.url, [subprotocol]);
      } catch (error) {
        return fail(InCameraError.from(error, 'network'));
      }
      const socket = ws;
      if (options.signal) scope.listen(options.signal, 'abort', () => fail(new InCameraError('aborted', 'aborted')));
      scope.timeout(() => fail(new InCameraError('timeout', 'the server did not answer')), options.openTimeoutMs ?? 10_000);
      scope.listen(socket, 'close', (event) => {
        fail(new InCameraError('network', `the connection could not be opened (${(event as CloseEvent).code})`));
      });
      scope.listen(socket, 'open', () => {
        socket.send(encodeClient(1, {
          type: 'hello', body: { protocolMin: protocolVersion, protocolMax: protocolVersion, client: options.client },
        }));
      });
      scope.listen(socket, 'message', (event) => {
        try {
          const message = decodeServer(textOf(event));
          if (message.type === 'welcome') {
            scope.end();
            resolve(new Socket(socket, message.welcome, options.logger));
          } else if (message.type === 'error') {
            fail(errorOf(message));
          }
        } catch (error) {
          fail(InCameraError.from(error, 'bad_message'));
        }
      });
      return undefined;
    });
  }

  private constructor(ws: WebSocket, welcome: Welcome, logger: Logger) {
    this.#ws = ws;
    this.#logger = logger;
    this.#scope = new Scope();
    this.#pending = new Map();
    this.welcome = welcome;
    this.nonce = welcome.nonce;
    this.#clockOffsetMs = welcome.serverTimeMs > 0 ? welcome.serverTimeMs - Date.now() : 0;
    this.#scope.listen(ws, 'message', (event) => this.#received(event));
    this.#scope.listen(ws, 'close', (event) => this.#end((event as CloseEvent).code));
    const pingMs = Math.max(1000, welcome.limits.pingIntervalMs || defaultPingMs);
    this.#scope.interval(() => this.#keepAlive(), pingMs);
  }

  get open(): boolean {
    return this.#closed === null;
  }

  /** The server's clock, as told at welcome. */
  serverNow(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  /** Who hears what is no reply. Messages that came before are handed over now, in order. */
  attach(handler: SocketHandler): void {
    this.#handler = handler;
    const early = this.#early;
    this.#early = [];
    for (const message of early) handler.message(message);
    if (this.#closed) handler.closed(this.#closed);
  }

  detach(): void {
    this.#handler = null;
  }

  /** Rejects with the server's error, or network/timeout. */
  request(message: ClientBody, timeoutMs = 15_000): Promise<ServerMessage> {
    if (this.#closed) return Promise.reject(new InCameraError('network', 'not connected'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const done = () => {
        cancel();
        this.#pending.delete(id);
      };
      const cancel = this.#scope.timeout(() => {
        done();
        reject(new InCameraError('timeout', `no reply to ${message.type}`));
      }, timeoutMs);
      this.#pending.set(id, {
        resolve: (reply) => (done(), resolve(reply)),
        reject: (error) => (done(), reject(error)),
      });
      if (this.welcome.packedSdp && 'offer' in message.body) {
        const { offer = '' } = message.body;
        void packSdp(offer).catch(() => offer).then((packed) => {
          if (this.#closed) return; // then the request has been rejected
          this.#ws.send(encodeClient(id, { ...message, body: { ...message.body, ...(packed && { offer: packed }) } } as ClientBody));
        });
      } else {
        this.#ws.send(encodeClient(id, message));
      }
    });
  }

  close(code = 1000): void {
    this.#ws.close(code);
    this.#end(code);
  }

  #received(event: Event): void {
    this.#heardAt = Date.now();
    let message: ServerMessage;
    try {
      message = decodeServer(textOf(event));
    } catch (error) {
      this.#logger.warn('message not understood', { error: String(error) });
      this.#handler?.fault(InCameraError.from(error, 'bad_message'));
      return;
    }
    if (message.type === 'unknown') this.#logger.debug('unknown message ignored', { re: message.re });
    if (message.type === 'bye') this.#bye = { reason: message.reason, byName: message.byName };
    if (message.type === 'admitted') this.nonce = message.nonce;
    const pending = message.re > 0 ? this.#pending.get(message.re) : undefined;
    if (pending) {
      if (message.type === 'error') pending.reject(errorOf(message));
      else pending.resolve(message);
      return;
    }
    if (this.#handler) this.#handler.message(message);
    else this.#early.push(message);
    if (message.type === 'bye') this.close();
  }

  #keepAlive(): void {
    const asked = Date.now();
    this.request({ type: 'ping', body: {} }, pongMs).catch(() => {
      if (this.#closed || this.#heardAt >= asked) return; // refused or late, but the server speaks
      this.#logger.info('the server is silent; giving the socket up');
      this.close(4000);
    });
  }

  #end(code: number): void {
    if (this.#closed) return;
    this.#closed = { code, bye: this.#bye };
    this.#scope.end();
    for (const pending of [...this.#pending.values()]) pending.reject(new InCameraError('network', 'the connection broke'));
    this.#pending.clear();
    this.#handler?.closed(this.#closed);
  }
}

function textOf(event: Event): string {
  const data: unknown = (event as MessageEvent).data;
  if (typeof data !== 'string') throw new InCameraError('bad_message', 'a binary frame');
  return data;
}

const nonces = new WeakMap<InCameraError, string>();

/** What a new token is to be proven over after a refusal; '' when the refusal asks for none. */
export const nonceOf = (error: InCameraError): string => nonces.get(error) ?? '';

export function errorOf(message: Extract<ServerMessage, { type: 'error' }>): InCameraError {
  const { code, retryAfterMs, stepUp, nonce } = message;
  const error = new InCameraError(code, message.message || code, { retryAfterMs, stepUp });
  if (nonce !== '') nonces.set(error, nonce);
  return error;
}
