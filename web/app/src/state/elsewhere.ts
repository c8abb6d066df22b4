// A second factor given at the provider that a session began at. It happens in a window of its own, so that the page,
// and the meeting in it, stay. The window ends at /confirmed, which says over a channel of this origin what came of it:
// on its way it has lost the page that opened it (Cross-Origin-Opener-Policy).

import { api, ApiError } from '../api.js';

const CHANNEL = 'incamera.confirmed';
const WINDOW = 'popup,width=520,height=720';

/** Asks there. Call it in a click: browsers open windows only then. Whoever aborts it is not asked any longer. */
export async function confirmElsewhere(signal: AbortSignal): Promise<void> {
  const opened = open('', 'incamera-confirm', WINDOW);
  if (!opened) throw new ApiError('window_blocked', 0, '');
  const channel = new BroadcastChannel(CHANNEL);
  try {
    const said = new Promise<string>((resolve, reject) => {
      channel.onmessage = ({ data }) => resolve(String(data));
      signal.addEventListener('abort', () => reject(new ApiError('aborted', 0, '')));
    });
    const { url } = await api.leaveToConfirm('/confirmed');
    if (!/^https?:$/.test(new URL(url).protocol)) throw new ApiError('bad_message', 0, 'the way out is no page');
    opened.location.href = url;
    const failed = /^failed:(\w+)$/.exec(await said)?.[1];
    if (failed !== undefined) throw new ApiError(failed, 403, '');
  } catch (error) {
    opened.close(); // where it still can be
    throw error;
  } finally {
    channel.close();
  }
}

/** In that window, at its end: tells the page, and closes itself where browsers let it. */
export function tellConfirmed(came: string): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(came === '' ? 'done' : came);
  channel.close();
  if (came === '') close();
}
