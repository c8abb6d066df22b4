// What the SDK needs from the browser, found by asking for the features themselves.

export interface Missing {
  readonly code:
    | 'secure_context' | 'webcrypto' | 'websocket' | 'webrtc' | 'transceivers' | 'media_devices' | 'screen_share' | 'output_choice';
  /** In words, for people. */
  readonly message: string;
  /** False: the meeting works without it. */
  readonly required: boolean;
}
export interface Capabilities {
  /** Nothing required is missing. */
  readonly ok: boolean;
  readonly missing: readonly Missing[];
}

interface Scene {
  isSecureContext?: boolean;
  crypto?: { subtle?: unknown };
  WebSocket?: unknown;
  RTCPeerConnection?: { prototype: object };
  RTCRtpSender?: { prototype: object };
  HTMLMediaElement?: { prototype: object };
  navigator?: { mediaDevices?: { getUserMedia?: unknown; getDisplayMedia?: unknown } };
}

export function capabilities(scene: object = globalThis): Capabilities {
  const it = scene as Scene;
  const missing: Missing[] = [];
  const need = (present: boolean, code: Missing['code'], message: string, required = true) => {
    if (!present) missing.push({ code, message, required });
  };
  const pc = it.RTCPeerConnection?.prototype;
  const devices = it.navigator?.mediaDevices;
  need(it.isSecureContext === true, 'secure_context', 'The page must be opened over https (or on localhost).');
  need(it.crypto?.subtle !== undefined, 'webcrypto', 'The browser offers no cryptography (WebCrypto) to this page.');
  need(typeof it.WebSocket === 'function', 'websocket', 'The browser has no WebSocket.');
  need(pc !== undefined, 'webrtc', 'The browser has no WebRTC, or it is switched off.');
  need(pc === undefined || ('addTransceiver' in pc && it.RTCRtpSender !== undefined && 'replaceTrack' in it.RTCRtpSender.prototype),
    'transceivers', 'The browser is too old for WebRTC transceivers.');
  need(typeof devices?.getUserMedia === 'function', 'media_devices', 'No camera or microphone can be used here; listening works.', false);
  need(typeof devices?.getDisplayMedia === 'function', 'screen_share', 'This browser cannot share the screen.', false);
  need(it.HTMLMediaElement !== undefined && 'setSinkId' in it.HTMLMediaElement.prototype,
    'output_choice', 'This browser cannot choose the loudspeaker.', false);
  return { ok: missing.every((m) => !m.required), missing };
}
