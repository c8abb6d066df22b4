// Passkeys in the list of a sign-in field: the browser is asked quietly while the page is open, and answers when the
// person picks one there. Challenges last five minutes, so the question is put anew before that.

import { api } from '../api.js';
import { askPasskey, autofillWorks } from '../passkeys.js';

const ANEW_MS = 4 * 60_000;

export interface Autofill {
  start(): void;
  stop(): void;
}

export interface AutofillOptions {
  readonly onDone: () => void;
  /** The person picked a passkey and it did not open. */
  readonly onFailure: (error: unknown) => void;
}

export function startAutofill({ onDone, onFailure }: AutofillOptions): Autofill {
  let running: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stop = () => {
    clearTimeout(timer);
    running?.abort();
    running = null;
  };
  const ask = async (mine: AbortController) => {
    if (!(await autofillWorks()) || mine.signal.aborted) return;
    let picked;
    try {
      const options = await api.signInOptions();
      if (mine.signal.aborted) return;
      timer = setTimeout(start, ANEW_MS);
      picked = await askPasskey(options, { autofill: true, signal: mine.signal });
    } catch {
      return; // nothing was picked: the page has its button
    }
    stop();
    try {
      await api.signInByPasskey(picked);
      onDone();
    } catch (error) {
      onFailure(error);
      start();
    }
  };
  function start(): void {
    stop();
    running = new AbortController();
    void ask(running);
  }
  start();
  return { start, stop };
}
