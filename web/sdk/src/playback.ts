// Sound: one hidden audio element per audio slot.

import { InCameraError } from './errors.js';

export class Playback {
  readonly #elements = new Map<number, HTMLAudioElement>();
  readonly #blocked: (error: InCameraError) => void;
  #output = '';
  #told = false;

  constructor(blocked: (error: InCameraError) => void) {
    this.#blocked = blocked;
  }

  /** Plays exactly these tracks, by slot. */
  play(tracks: ReadonlyMap<number, MediaStreamTrack>): void {
    for (const [slot, element] of this.#elements) if (!tracks.has(slot)) element.srcObject = null;
    for (const [slot, track] of tracks) {
      const element = this.#elements.get(slot) ?? this.#make(slot);
      const stream = element.srcObject as MediaStream | null;
      if (stream?.getTracks()[0] === track) continue;
      element.srcObject = new MediaStream([track]);
      void this.#start(element);
    }
  }

  async setOutput(deviceId: string): Promise<void> {
    if (!('setSinkId' in HTMLMediaElement.prototype)) throw new InCameraError('unsupported', 'this browser cannot choose the loudspeaker');
    try {
      await Promise.all([...this.#elements.values()].map((element) => element.setSinkId(deviceId)));
      this.#output = deviceId;
    } catch (error) {
      const blocked = (error as { name?: string }).name === 'NotAllowedError';
      throw InCameraError.from(error, blocked ? 'device_blocked' : 'device_missing');
    }
  }

  async resume(): Promise<void> {
    this.#told = false;
    await Promise.all([...this.#elements.values()].map((element) => this.#start(element)));
  }

  close(): void {
    for (const element of this.#elements.values()) {
      element.pause();
      element.srcObject = null;
    }
    this.#elements.clear();
  }

  #make(slot: number): HTMLAudioElement {
    const element = new Audio();
    element.autoplay = true;
    if (this.#output !== '' && 'setSinkId' in element) void element.setSinkId(this.#output).catch(() => {});
    this.#elements.set(slot, element);
    return element;
  }

  async #start(element: HTMLAudioElement): Promise<void> {
    try {
      await element.play();
    } catch (error) {
      if ((error as { name?: string }).name !== 'NotAllowedError' || this.#told) return; // AbortError: a newer source took over
      this.#told = true;
      this.#blocked(new InCameraError('playback_blocked', 'the browser wants a click before it plays sound', { cause: error }));
    }
  }
}
