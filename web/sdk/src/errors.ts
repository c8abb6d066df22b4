// One error type for the whole SDK. Codes are stable words; messages are for people who read logs.

/** Codes that the SDK itself gives; every wire code of docs/protocol.md can appear too. */
export type LocalErrorCode =
  | 'unsupported' // the browser lacks something (see capabilities())
  | 'bad_argument' // the caller's mistake
  | 'aborted' // the caller's AbortSignal
  | 'closed' // the room or Prepared is closed
  | 'network' // the server could not be reached or the connection broke
  | 'timeout' // no answer in time
  | 'bad_message' // the server said something that does not follow the protocol
  | 'media_failed' // the media transport could not be set up
  | 'playback_blocked' // the browser wants a click before it plays sound: call room.resumePlayback() from one
  | 'device_blocked' // permission refused
  | 'device_busy' // another program holds the device
  | 'device_missing' // no such device, or it was unplugged
  | 'declined'; // a host declined the waiting person

/** Which second factor is asked for, and how recently it may have been given (0: now). */
export interface FactorAsked {
  readonly acr: 'mfa' | 'phishing_resistant';
  readonly maxAgeMs: number;
}

export class InCameraError extends Error {
  readonly code: string;
  /** With `second_factor_required`: which factor has to be given first. */
  readonly stepUp?: FactorAsked;
  /** When the server says how long to wait. */
  readonly retryAfterMs?: number;

  constructor(code: LocalErrorCode | (string & {}), message: string, options?: { retryAfterMs?: number; stepUp?: FactorAsked | null; cause?: unknown }) {
    super(message, options && 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'InCameraError';
    this.code = code;
    if (options?.retryAfterMs !== undefined && options.retryAfterMs > 0) this.retryAfterMs = options.retryAfterMs;
    if (options?.stepUp) this.stepUp = options.stepUp;
  }

  /** Anything thrown, as an InCameraError. */
  static from(error: unknown, code: LocalErrorCode): InCameraError {
    if (error instanceof InCameraError) return error;
    return new InCameraError(code, error instanceof Error ? error.message : String(error), { cause: error });
  }
}
