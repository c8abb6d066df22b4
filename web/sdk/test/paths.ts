import { pathToFileURL } from 'node:url';

// Tests run from web/sdk (npm does that); the compiled copies live elsewhere.
export const root = new URL('../../', pathToFileURL(`${process.cwd()}/`));
export const golden = new URL('signaling/wire/golden/', root);
