// Runs before the first paint: theme and language, so that nothing flashes. No imports: this file stays tiny.

const root = document.documentElement;
try {
  const theme = localStorage.getItem('incamera.theme');
  const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.dataset['theme'] = dark ? 'dark' : 'light';
  root.lang = localStorage.getItem('incamera.language') ?? (navigator.language.startsWith('zh') ? 'zh-CN' : 'en');
} catch {
  // Storage is blocked: the defaults in the markup stay.
}

export {};
