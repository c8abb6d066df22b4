// Own sources: opening devices, switching them on and off, and agreeing with the server about it.

import { openCamera, openMic, openScreen, type OpenOptions, type ScreenOptions } from './devices.js';
import { InCameraError } from './errors.js';
import type { Publisher } from './publish.js';
import { Queue } from './queue.js';
import { applyToTrack, screenSettings } from './screen.js';
import type { LocalMedia, LocalSource, Participant, ScreenMode, SourceKind } from './types.js';

export interface LocalHost {
  /** Says at the server whether a source is on. */
  tell(kind: SourceKind, on: boolean): Promise<void>;
  may(kind: SourceKind): boolean;
  changed(): void;
  error(error: InCameraError): void;
}

/** For tests. */
export interface Openers {
  readonly mic: (options: OpenOptions) => Promise<MediaStreamTrack>;
  readonly camera: (options: OpenOptions) => Promise<MediaStreamTrack>;
  readonly screen: (options: ScreenOptions) => Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | null }>;
}
const realOpeners: Openers = { mic: openMic, camera: openCamera, screen: openScreen };

class Source {
  track: MediaStreamTrack | null = null;
  on = false;
  /** The last wish of the person; a slower task looks here before it acts. */
  wanted = false;
  mutedByHost = false;
  /** Requests to the server under way: the roster is behind until they are answered. */
  asking = 0;
  options: OpenOptions = {};

  view(): LocalSource {
    return { on: this.on, track: this.track, mutedByHost: this.mutedByHost };
  }
}

/** Lost messages are made good after the resume. */
const passing: readonly string[] = ['network', 'timeout'];

export class LocalSources {
  readonly #publisher: Publisher;
  readonly #host: LocalHost;
  readonly #open: Openers;
  readonly #queue = new Queue('devices');
  readonly #sources: Readonly<Record<SourceKind, Source>> = {
    mic: new Source(), camera: new Source(), screen: new Source(), screen_audio: new Source(),
  };
  #closed = false;

  constructor(publisher: Publisher, host: LocalHost, openers: Openers = realOpeners) {
    this.#publisher = publisher;
    this.#host = host;
    this.#open = openers;
  }

  view(): LocalMedia {
    const s = this.#sources;
    return { mic: s.mic.view(), camera: s.camera.view(), screen: s.screen.view(), screenAudio: s.screen_audio.view(), screenSettings: this.#publisher.screen };
  }

  track(kind: SourceKind): MediaStreamTrack | null {
    const source = this.#sources[kind];
    return source.on ? source.track : null;
  }

  /** A track that is sent from the first moment: the publisher has it, the join told the server. */
  adopt(kind: 'mic' | 'camera', track: MediaStreamTrack): void {
    const source = this.#sources[kind];
    source.on = source.wanted = true;
    this.#take(kind, track);
  }

  /** How setMic(true) and setCamera(true) will open the device. */
  constrain(kind: 'mic' | 'camera', constraints: MediaTrackConstraints): void {
    this.#sources[kind].options = { ...this.#sources[kind].options, constraints };
  }

  set(kind: 'mic' | 'camera', on: boolean): Promise<void> {
    const source = this.#sources[kind];
    source.wanted = on;
    // Silence at once, whatever else is under way; the rest follows in order.
    if (!on && source.track) source.track.enabled = false;
    return this.#queue.run(`${kind} ${on ? 'on' : 'off'}`, () => (on ? this.#switchOn(kind) : this.#switchOff(kind)));
  }

  switchDevice(kind: 'mic' | 'camera', deviceId: string): Promise<void> {
    return this.#queue.run(`switch ${kind}`, async () => {
      const source = this.#sources[kind];
      const options = { ...source.options, deviceId };
      if (!source.track) {
        source.options = options;
        return;
      }
      const old = source.track;
      const fresh = await this.#open[kind](options);
      source.options = options;
      fresh.enabled = old.enabled;
      this.#take(kind, fresh);
      if (source.on) await this.#publisher.setTrack(kind, fresh);
      old.stop();
      this.#host.changed();
    });
  }

  /** Changes how a screen is sent, while it is sent. */
  setScreenMode(mode: ScreenMode, framesPerSecond?: number): Promise<void> {
    const settings = screenSettings(mode, framesPerSecond);
    return this.#queue.run('screen mode', async () => {
      const { track } = this.#sources.screen;
      if (track) await applyToTrack(track, settings);
      await this.#publisher.setScreen(settings);
      this.#host.changed();
    });
  }

  async share(on: boolean, options: ScreenOptions = {}): Promise<void> {
    this.#sources.screen.wanted = on;
    if (!on) return this.#queue.run('screen off', () => this.#unshare());
    this.#check('screen');
    // Before the queue: the picker must be asked for in the task of the click.
    const settings = options.mode || options.framesPerSecond
      ? screenSettings(options.mode ?? this.#publisher.screen.mode, options.framesPerSecond) : this.#publisher.screen;
    const { video, audio } = await this.#open.screen({ ...options, ...settings });
    return this.#queue.run('screen on', async () => {
      await this.#publisher.setScreen(settings);
      if (!this.#sources.screen.wanted || this.#closed) {
        video.stop();
        audio?.stop();
        return;
      }
      this.#release('screen');
      this.#release('screen_audio');
      await this.#send('screen', video);
      if (audio && this.#host.may('screen_audio')) {
        await this.#send('screen_audio', audio).catch((error: unknown) => this.#host.error(InCameraError.from(error, 'media_failed')));
      } else {
        audio?.stop();
      }
    });
  }

  /** The server's view of this person changed. */
  roster(before: Participant | undefined, after: Participant | undefined): void {
    if (!after) return;
    let changed = false;
    for (const kind of Object.keys(this.#sources) as SourceKind[]) {
      const source = this.#sources[kind];
      const was = before?.media.find((m) => m.kind === kind);
      const is = after.media.find((m) => m.kind === kind);
      const muted = is?.mutedByHost ?? false;
      if (source.mutedByHost !== muted) {
        source.mutedByHost = muted;
        changed = true;
      }
      const switchedOff = (was?.on ?? false) && !(is?.on ?? false) && source.asking === 0;
      if (source.on && ((muted && !(was?.mutedByHost ?? false)) || switchedOff)) {
        this.#forceOff(kind);
        changed = true;
      }
    }
    if (changed) this.#host.changed();
  }

  /** After a resume: what was said into a dead socket is said again. */
  reconcile(self: Participant | undefined): void {
    for (const kind of Object.keys(this.#sources) as SourceKind[]) {
      const source = this.#sources[kind];
      const known = self?.media.find((m) => m.kind === kind);
      if (source.on === (known?.on ?? false) || source.asking > 0) continue;
      this.#host.tell(kind, source.on).catch((thrown: unknown) => {
        const error = InCameraError.from(thrown, 'network');
        if (passing.includes(error.code)) return;
        if (source.on) this.#forceOff(kind);
        this.#host.changed();
        this.#host.error(error);
      });
    }
  }

  report(error: InCameraError): void {
    if (!this.#closed) this.#host.error(error);
  }

  close(): void {
    this.#closed = true;
    this.#queue.close();
    for (const kind of Object.keys(this.#sources) as SourceKind[]) {
      this.#sources[kind].wanted = this.#sources[kind].on = false;
      this.#release(kind);
    }
  }

  #check(kind: SourceKind): void {
    if (!this.#publisher.offers(kind)) throw new InCameraError('unsupported', `this page was prepared without ${kind}`);
    if (!this.#host.may(kind)) throw new InCameraError('forbidden', `not allowed to send ${kind}`);
  }

  async #switchOn(kind: 'mic' | 'camera'): Promise<void> {
    const source = this.#sources[kind];
    if (!source.wanted || (source.on && source.track?.readyState === 'live')) return;
    this.#check(kind);
    let track = source.track;
    if (track?.readyState !== 'live') track = await this.#reopen(kind, source.options);
    if (!source.wanted || this.#closed) {
      if (track !== source.track) track.stop();
      return;
    }
    await this.#send(kind, track);
  }

  /** The device of last time, or any other when it is gone. */
  async #reopen(kind: 'mic' | 'camera', options: OpenOptions): Promise<MediaStreamTrack> {
    try {
      return await this.#open[kind](options);
    } catch (error) {
      if (!options.deviceId || !(error instanceof InCameraError) || error.code !== 'device_missing') throw error;
      return this.#open[kind]({ ...options, deviceId: '' });
    }
  }

  async #switchOff(kind: 'mic' | 'camera'): Promise<void> {
    const source = this.#sources[kind];
    if (source.wanted || !source.on) return;
    this.#forceOff(kind);
    this.#host.changed();
    await this.#tell(kind, false);
  }

  async #unshare(): Promise<void> {
    if (this.#sources.screen.wanted) return;
    for (const kind of ['screen_audio', 'screen'] as const) {
      if (!this.#sources[kind].on) continue;
      this.#forceOff(kind);
      this.#host.changed();
      await this.#tell(kind, false);
    }
  }

  /** Sends the track and says so; takes it back when the server refuses. */
  async #send(kind: SourceKind, track: MediaStreamTrack): Promise<void> {
    const source = this.#sources[kind];
    track.enabled = true;
    source.on = source.wanted = true;
    this.#take(kind, track);
    await this.#publisher.setTrack(kind, track);
    this.#host.changed();
    try {
      await this.#tell(kind, true);
    } catch (error) {
      this.#forceOff(kind);
      this.#host.changed();
      throw error;
    }
  }

  async #tell(kind: SourceKind, on: boolean): Promise<void> {
    const source = this.#sources[kind];
    source.asking++;
    try {
      await this.#host.tell(kind, on);
    } catch (error) {
      if (!(error instanceof InCameraError && passing.includes(error.code))) throw error;
    } finally {
      source.asking--;
    }
  }

  /** Off on this side. A mic stays open, for a quick return; a camera's and a screen's light goes out. */
  #forceOff(kind: SourceKind): void {
    const source = this.#sources[kind];
    source.on = source.wanted = false;
    if (source.track) source.track.enabled = false;
    this.#publisher.setTrack(kind, null).catch(() => {}); // only a closed publisher refuses
    if (kind !== 'mic') this.#release(kind);
    if (kind === 'screen' && this.#sources.screen_audio.on) {
      this.#forceOff('screen_audio');
      void this.#tell('screen_audio', false).catch(() => {});
    }
  }

  #take(kind: SourceKind, track: MediaStreamTrack): void {
    const source = this.#sources[kind];
    source.track = track;
    const deviceId = kind === 'mic' || kind === 'camera' ? track.getSettings?.().deviceId : undefined;
    if (deviceId) source.options = { ...source.options, deviceId };
    track.addEventListener('ended', () => this.#ended(kind, track), { once: true });
  }

  /** The device went away, or the person stopped sharing in the browser's own bar. */
  #ended(kind: SourceKind, track: MediaStreamTrack): void {
    const source = this.#sources[kind];
    if (this.#closed || source.track !== track) return;
    const wasOn = source.on;
    this.#forceOff(kind);
    source.track = null;
    source.options = { ...source.options, deviceId: '' };
    this.#host.changed();
    if (!wasOn) return;
    if (kind === 'mic') return void this.#anotherMic();
    if (kind === 'camera') this.#host.error(new InCameraError('device_missing', `the ${kind} went away`));
    void this.#tell(kind, false).catch((error: unknown) => this.#host.error(InCameraError.from(error, 'network')));
  }

  /** Whose headset was pulled out goes on through the microphone that is left. Not so with cameras: they show the room. */
  async #anotherMic(): Promise<void> {
    const source = this.#sources.mic;
    source.wanted = true;
    try {
      await this.#queue.run('another mic', () => this.#switchOn('mic'));
    } catch (thrown) {
      this.#host.error(new InCameraError('device_missing', 'the mic went away', { cause: thrown }));
      await this.#tell('mic', false).catch((error: unknown) => this.#host.error(InCameraError.from(error, 'network')));
    }
  }

  #release(kind: SourceKind): void {
    const source = this.#sources[kind];
    source.track?.stop();
    source.track = null;
  }
}
