// Cameras, microphones, loudspeakers: listing and opening them, with errors that say what is wrong.

import { InCameraError } from './errors.js';
import { applyToTrack, mostFps, screenSettings } from './screen.js';
import type { ScreenMode } from './types.js';

export interface Device {
  readonly kind: 'mic' | 'camera' | 'speaker';
  readonly id: string;
  /** Empty until the person has given permission once. */
  readonly label: string;
}

const kinds: Record<string, Device['kind']> = { audioinput: 'mic', videoinput: 'camera', audiooutput: 'speaker' };

function mediaDevices(): MediaDevices {
  const found = globalThis.navigator?.mediaDevices as MediaDevices | undefined;
  if (!found) throw new InCameraError('unsupported', 'no media devices: the page is not secure or the browser too old');
  return found;
}

export async function listDevices(): Promise<Device[]> {
  const out: Device[] = [];
  for (const d of await mediaDevices().enumerateDevices()) {
    const kind = kinds[d.kind];
    if (kind) out.push({ kind, id: d.deviceId, label: d.label });
  }
  return out;
}

/** Calls back when devices are plugged in or out; the result unsubscribes. */
export function onDevicesChanged(listener: () => void): () => void {
  const devices = mediaDevices();
  devices.addEventListener('devicechange', listener);
  return () => devices.removeEventListener('devicechange', listener);
}

/** Whether permission was given already, without asking for it. */
export async function permission(kind: 'mic' | 'camera'): Promise<'granted' | 'denied' | 'prompt' | 'unknown'> {
  try {
    const name = (kind === 'mic' ? 'microphone' : 'camera') as PermissionName;
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return 'unknown'; // Firefox before 131 does not know these names
  }
}

export interface OpenOptions {
  readonly deviceId?: string;
  readonly constraints?: MediaTrackConstraints;
}

export function openMic(options: OpenOptions = {}): Promise<MediaStreamTrack> {
  return open('audio', {
    echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...options.constraints, ...exact(options),
  });
}

export function openCamera(options: OpenOptions = {}): Promise<MediaStreamTrack> {
  return open('video', {
    width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 }, ...options.constraints, ...exact(options),
  });
}

export interface ScreenOptions {
  readonly audio?: boolean;
  readonly mode?: ScreenMode;
  readonly framesPerSecond?: number;
}

/** What a page shares sounds as it is: nothing is taken for noise or echo. */
const pageSound: MediaTrackConstraints = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export async function openScreen(options: ScreenOptions = {}): Promise<{ video: MediaStreamTrack; audio: MediaStreamTrack | null }> {
  const devices = mediaDevices();
  if (typeof devices.getDisplayMedia !== 'function') throw new InCameraError('unsupported', 'this browser cannot share the screen');
  try {
    const settings = screenSettings(options.mode, options.framesPerSecond);
    const stream = await devices.getDisplayMedia({
      video: { frameRate: { ideal: settings.framesPerSecond, max: mostFps } }, audio: (options.audio ?? true) && pageSound,
    });
    const video = stream.getVideoTracks()[0];
    if (!video) throw new InCameraError('device_missing', 'the browser gave no screen');
    await applyToTrack(video, settings);
    const audio = stream.getAudioTracks()[0] ?? null;
    if (audio) audio.contentHint = 'music';
    return { video, audio };
  } catch (error) {
    throw deviceError(error);
  }
}

function exact(options: OpenOptions): MediaTrackConstraints {
  return options.deviceId ? { deviceId: { exact: options.deviceId } } : {};
}

async function open(kind: 'audio' | 'video', constraints: MediaTrackConstraints): Promise<MediaStreamTrack> {
  try {
    const stream = await mediaDevices().getUserMedia({ [kind]: constraints });
    const track = stream.getTracks()[0];
    if (!track) throw new InCameraError('device_missing', 'the browser gave no track');
    return track;
  } catch (error) {
    throw deviceError(error);
  }
}

/** Browser words to ours. */
export function deviceError(error: unknown): InCameraError {
  if (error instanceof InCameraError) return error;
  const name = (error as { name?: unknown } | null)?.name;
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return new InCameraError('device_blocked', 'permission was not given', { cause: error });
    case 'NotReadableError':
    case 'AbortError':
      return new InCameraError('device_busy', 'the device is in use or failed to start', { cause: error });
    case 'NotFoundError':
    case 'OverconstrainedError':
      return new InCameraError('device_missing', 'no such device', { cause: error });
    default:
      return InCameraError.from(error, 'device_missing');
  }
}
