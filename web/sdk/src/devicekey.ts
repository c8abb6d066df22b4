// The key of this browser: it lies in IndexedDB, where its private half can be used by this origin and read by nobody, so
// that the next visit proves the same one. Where nothing can be kept (private windows, refused storage) there is none.

import { keyOf, makeKey, makePair, type ClientKey } from './key.js';

const database = 'incamera';
const shelf = 'keys';
const place = 'device';
/** A browser that does not answer must not keep anybody out of a meeting. */
const patienceMs = 2000;

/** The key of this browser, made at the first visit; where it cannot be kept, one for this visit. */
export async function deviceKey(): Promise<ClientKey> {
  try {
    return await keyOf(await patiently(keptPair()));
  } catch {
    return makeKey();
  }
}

/** Thumbprint of the key that this browser keeps; null when it keeps none. An administrator enrols a machine by it. */
export async function deviceThumbprint(): Promise<string | null> {
  try {
    const pair = await patiently(withShelf('readonly', (keys) => keys.get(place)));
    return usable(pair) ? (await keyOf(pair)).jkt : null;
  } catch {
    return null;
  }
}

/** Forgets the key: the next visit is that of a new device. */
export async function forgetDevice(): Promise<void> {
  try {
    await patiently(withShelf('readwrite', (keys) => keys.delete(place)));
  } catch {
    // nothing can be kept here, so there is nothing to forget
  }
}

async function keptPair(): Promise<CryptoKeyPair> {
  const kept = await withShelf('readonly', (keys) => keys.get(place));
  if (usable(kept)) return kept;
  const made = await makePair(); // outside of a transaction, which would end meanwhile
  const first = await withShelf('readwrite', (keys) => keys.get(place));
  if (usable(first)) return first; // another tab was quicker
  await withShelf('readwrite', (keys) => keys.put(made, place));
  return made;
}

function usable(pair: unknown): pair is CryptoKeyPair {
  const key = (pair as Partial<CryptoKeyPair> | undefined)?.privateKey;
  return key instanceof CryptoKey && !key.extractable && key.algorithm.name === 'ECDSA' && key.usages.includes('sign');
}

function withShelf<T>(mode: IDBTransactionMode, act: (keys: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const refuse = (request: { error: DOMException | null }) => () => reject(request.error ?? new Error('storage'));
    const opening = indexedDB.open(database, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(shelf);
    opening.onerror = refuse(opening);
    opening.onsuccess = () => {
      const db = opening.result;
      try {
        const turn = db.transaction(shelf, mode);
        const asked = act(turn.objectStore(shelf));
        turn.oncomplete = () => { db.close(); resolve(asked.result); };
        turn.onabort = () => { db.close(); refuse(turn)(); };
      } catch (error) {
        db.close();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
  });
}

function patiently<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('storage does not answer')), patienceMs);
    work.then(resolve, reject).finally(() => clearTimeout(late));
  });
}
