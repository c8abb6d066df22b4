// The public surface of the InCamera SDK. Nothing else is meant to be imported.

export { prepare, type Prepared } from './prepare.js';
export { Room } from './room.js';
export { capabilities, type Capabilities, type Missing } from './capabilities.js';
export {
  testConnectivity, pathKinds, type ConnectivityOptions, type PathKind, type PathResult, type PathWhy, type TestAnswer,
} from './connectivity.js';
export { deviceThumbprint, forgetDevice } from './devicekey.js';
export { InCameraError, type FactorAsked, type LocalErrorCode } from './errors.js';
export {
  listDevices, onDevicesChanged, openCamera, openMic, openScreen, permission, type Device, type OpenOptions, type ScreenOptions,
} from './devices.js';
export { watermark } from './watermark.js';
export type { Listener, Unsubscribe } from './emitter.js';
export type {
  Action, AdmittedTicket, Assurance, CallStats, ChatMessage, ConnectOptions, Connection, Ended, EndReason, Grants, LobbyOptions,
  LocalMedia, LocalSource, Logger, MediaChoice, MediaSource, Participant, PauseReason, PrepareOptions, ReceivedStats,
  ReconnectPolicy, Role, RoomEvents, RoomState, ScreenMode, ScreenSettings, SentStats, SlotView, SourceKind,
  Speaker, Standing, StepUp, TokenRequest, Tile, VideoCodec, VideoKind, SignInMethod, Waiter, WaitingInfo,
} from './types.js';
