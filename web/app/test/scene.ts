// The few things of a browser that modules touch when they load.

const scene = globalThis as unknown as Record<string, unknown>;
scene['matchMedia'] ??= () => ({ matches: false, addEventListener() {} });
const stored = new Map<string, string>();
Object.defineProperty(globalThis, 'localStorage', {
  configurable: true,
  value: { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, value: string) => { stored.set(key, value); } },
});
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { language: 'en-GB' } });

export {};
