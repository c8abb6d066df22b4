import { follow } from '../state/router.js';

export function Brand() {
  return (
    <a class="brand" href="/" onClick={follow} aria-label="InCamera">
      <svg viewBox="0 0 28 28" aria-hidden="true">
        <rect class="brand-ground" width="28" height="28" rx="8.5" />
        <path class="brand-line" d="M19.6 8.9a7.6 7.6 0 1 0 0 10.2M21.7 11.8v4.4" />
        <circle class="brand-dot" cx="14" cy="14" r="2.5" />
      </svg>
      <span>InCamera</span>
    </a>
  );
}
