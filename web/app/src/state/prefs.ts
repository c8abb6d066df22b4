// What a person chose about the page itself: language and theme. The only things the app keeps in storage.

import { computed, effect, signal } from '@preact/signals';
import type { Language } from '../i18n/index.js';

export type Theme = 'system' | 'light' | 'dark';

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is blocked: the choice holds until the page closes.
  }
}

function firstLanguage(): Language {
  const stored = read('incamera.language');
  if (stored === 'en' || stored === 'zh-CN') return stored;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

function firstTheme(): Theme {
  const stored = read('incamera.theme');
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export const language = signal<Language>(firstLanguage());
export const theme = signal<Theme>(firstTheme());

const systemDark = signal(matchMedia('(prefers-color-scheme: dark)').matches);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
  systemDark.value = event.matches;
});

/** True when the page is dark now, by choice or by the system. */
export const isDark = computed(() => theme.value === 'dark' || (theme.value === 'system' && systemDark.value));

export function setLanguage(next: Language): void {
  language.value = next;
  write('incamera.language', next);
}

export function setTheme(next: Theme): void {
  theme.value = next;
  write('incamera.theme', next);
}

/** Keeps <html> in step with the choices. Called once by main. */
export function applyPrefs(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = isDark.value ? 'dark' : 'light';
  });
  effect(() => {
    document.documentElement.lang = language.value;
  });
}
