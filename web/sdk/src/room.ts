// A meeting this client is in.

import type { Unsubscribe } from './emitter.js';
import { InCameraError } from './errors.js';
import type {
  CallStats, ChatMessage, Connection, Grants, LocalMedia, Participant, Role, RoomEvents, RoomState, SlotView,
  SourceKind, Speaker, Tile, Waiter,
} from './types.js';

function unready(): never {
  throw new InCameraError('unsupported', 'not connected');
}

export class Room {
  get state(): RoomState { return unready(); }
  /** Own participant id; known from the start. */
  get selfId(): string { return unready(); }
  get self(): Participant | undefined { return unready(); }
  get participants(): ReadonlyMap<string, Participant> { return unready(); }
  get waiting(): readonly Waiter[] { return unready(); }
  get chat(): readonly ChatMessage[] { return unready(); }
  get grants(): Grants { return unready(); }
  get media(): LocalMedia { return unready(); }
  get speakers(): readonly Speaker[] { return unready(); }
  get slots(): readonly SlotView[] { return unready(); }
  get connection(): Connection { return unready(); }

  on<K extends keyof RoomEvents>(_name: K, _listener: (value: RoomEvents[K]) => void): Unsubscribe { return unready(); }

  /** Opens the mic when there is none yet. Rejects with device_*, forbidden … */
  async setMic(_on: boolean): Promise<void> { unready(); }
  async setCamera(_on: boolean): Promise<void> { unready(); }
  /** Uses another device; a source that is on goes on without a break. For 'speaker' see setOutput. */
  async switchDevice(_kind: 'mic' | 'camera', _deviceId: string): Promise<void> { unready(); }
  /** Must be called from a click when on. */
  async shareScreen(_on: boolean, _options?: { audio?: boolean }): Promise<void> { unready(); }
  async setHand(_raised: boolean): Promise<void> { unready(); }
  async sendChat(_text: string): Promise<void> { unready(); }

  async mute(_participant: string, _kind: SourceKind, _options?: { hard?: boolean; allow?: boolean }): Promise<void> { unready(); }
  async remove(_participant: string, _options?: { ban?: boolean }): Promise<void> { unready(); }
  async setRole(_participant: string, _role: Role): Promise<void> { unready(); }
  async setLocked(_locked: boolean): Promise<void> { unready(); }
  async admit(_waiter: string): Promise<void> { unready(); }
  async decline(_waiter: string, _options?: { ban?: boolean }): Promise<void> { unready(); }
  /** Ends the meeting for everybody. */
  async end(): Promise<void> { unready(); }
  /** Leaves; the room is closed when it resolves. */
  async leave(): Promise<void> { unready(); }

  /** Says which pictures are on the page; 'auto' fills the slots by speech. Cheap to call at every layout. */
  watch(_tiles: readonly Tile[] | 'auto'): void { unready(); }
  /** The picture of somebody (own ones included), if it is in a slot now. */
  videoFor(_participant: string, _kind: 'camera' | 'screen'): MediaStreamTrack | null { return unready(); }
  /** Plays all sound on this output device ('' = default). Rejects with unsupported in browsers without it. */
  async setOutput(_deviceId: string): Promise<void> { unready(); }
  /** After error{playback_blocked}: call from a click. */
  async resumePlayback(): Promise<void> { unready(); }
  async stats(): Promise<CallStats> { return unready(); }
}
