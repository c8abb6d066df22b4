// Camera, microphone and loudspeaker before the meeting: the preview's tracks, the lists and what went wrong.

import { listDevices, onDevicesChanged, openCamera, openMic, type Device } from '@incamera/sdk';
import { signal } from '@preact/signals';
import type { ErrorCode } from '../i18n/messages.js';

export type Kind = 'mic' | 'camera';

export interface DeviceState {
  /** What the person wants; it holds also while there is no track. */
  readonly wanted: boolean;
  readonly track: MediaStreamTrack | null;
  readonly opening: boolean;
  readonly problem: ErrorCode | null;
}

const idle: DeviceState = { wanted: true, track: null, opening: false, problem: null };

export const mic = signal<DeviceState>(idle);
export const camera = signal<DeviceState>(idle);
export const devices = signal<readonly Device[]>([]);
/** Chosen device ids; '' is the system's choice. */
export const chosen = signal<Readonly<Record<Device['kind'], string>>>({ mic: '', camera: '', speaker: '' });

const stateOf = { mic, camera } as const;
const opener = { mic: openMic, camera: openCamera } as const;
/** Only the newest request of a kind may set its state. */
const turn = { mic: 0, camera: 0 };
let unlisten: (() => void) | null = null;

function problemOf(kind: Kind, error: unknown): ErrorCode {
  const code = (error as { code?: unknown } | null)?.code;
  const why = code === 'device_blocked' ? 'blocked' : code === 'device_busy' ? 'busy' : 'missing';
  return `${kind}_${why}`;
}

async function open(kind: Kind): Promise<void> {
  const mine = ++turn[kind];
  const state = stateOf[kind];
  state.value = { ...state.value, wanted: true, opening: true, problem: null };
  const id = chosen.value[kind];
  try {
    const track = await opener[kind](id === '' ? {} : { deviceId: id });
    if (turn[kind] !== mine) {
      track.stop();
      return;
    }
    track.addEventListener('ended', () => {
      if (state.value.track === track) state.value = { ...state.value, track: null, problem: `${kind}_missing` };
    });
    state.value = { wanted: true, track, opening: false, problem: null };
    void refreshDevices();
  } catch (error) {
    if (turn[kind] === mine) state.value = { wanted: false, track: null, opening: false, problem: problemOf(kind, error) };
  }
}

function stop(kind: Kind, wanted: boolean): void {
  turn[kind]++;
  const state = stateOf[kind];
  state.value.track?.stop();
  state.value = { wanted, track: null, opening: false, problem: null };
}

export async function refreshDevices(): Promise<void> {
  try {
    devices.value = await listDevices();
  } catch {
    devices.value = [];
  }
}

/** Opens what the person wants for the preview. */
export async function startPreview(): Promise<void> {
  try {
    unlisten ??= onDevicesChanged(() => void refreshDevices());
  } catch {
    // No media devices here: opening reports it in words.
  }
  await Promise.all([refreshDevices(), ...(['mic', 'camera'] as const).map((kind) => (stateOf[kind].value.wanted ? open(kind) : undefined))]);
}

/** Off means off: the track ends and the device's lamp goes out. */
export async function toggleDevice(kind: Kind): Promise<void> {
  const { track, opening } = stateOf[kind].value;
  if (track !== null || opening) stop(kind, false);
  else await open(kind);
}

export async function chooseDevice(kind: Device['kind'], id: string): Promise<void> {
  chosen.value = { ...chosen.value, [kind]: id };
  if (kind === 'speaker') return;
  if (stateOf[kind].value.track !== null) {
    stop(kind, true);
    await open(kind);
  }
}

/**
 * What the meeting gets of a device: the preview's track; or, when the browser is still opening it, the order to open
 * it, so that whoever joins quickly is seen all the same; or nothing.
 */
export function handOver(kind: Kind): MediaStreamTrack | MediaTrackConstraints | boolean {
  const state = stateOf[kind];
  const { track, opening } = state.value;
  if (track !== null || !opening) return track ?? false;
  turn[kind]++;
  state.value = { ...state.value, opening: false };
  const id = chosen.value[kind];
  return id === '' ? true : { deviceId: { exact: id } };
}

/** What the meeting's switches were last, for the next pre-join. */
export function remember(micOn: boolean, cameraOn: boolean): void {
  mic.value = { ...mic.value, wanted: micOn };
  camera.value = { ...camera.value, wanted: cameraOn };
}

/** Ends the preview's tracks. What the person wanted is kept for the next time. */
export function stopPreview(): void {
  stop('mic', mic.value.wanted);
  stop('camera', camera.value.wanted);
  unlisten?.();
  unlisten = null;
}
