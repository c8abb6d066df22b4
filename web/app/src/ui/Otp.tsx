import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.js';

export interface OtpProps {
  readonly value: string;
  readonly bad?: boolean;
  readonly disabled?: boolean;
  readonly onChange: (value: string) => void;
  /** Called once, when the sixth digit is there. */
  readonly onFull: (value: string) => void;
}

const DIGITS = 6;

/** Six boxes for a one-time code. Typing moves on, pasting (or a password manager) fills all, full sends itself. */
export function Otp({ value, bad, disabled, onChange, onFull }: OtpProps) {
  const m = t();
  const boxes = useRef<(HTMLInputElement | null)[]>([]);

  // A refused code is emptied by the screen: typing starts again at the first box.
  useEffect(() => {
    if (bad && value === '') boxes.current[0]?.focus();
  }, [bad, value]);

  const put = (index: number, typed: string) => {
    const digits = typed.replace(/\D/g, '');
    const kept = value.slice(0, index).padEnd(index, ' ');
    const rest = digits === '' ? ' ' : digits;
    const next = (kept + rest + value.slice(index + rest.length)).slice(0, DIGITS).trimEnd();
    onChange(next);
    const at = Math.min(index + (digits === '' ? 0 : digits.length), DIGITS - 1);
    boxes.current[at]?.focus();
    if (/^\d{6}$/.test(next) && digits !== '') onFull(next);
  };

  const key = (event: KeyboardEvent, index: number) => {
    if (event.key === 'Backspace' && (value[index] ?? ' ') === ' ' && index > 0) {
      event.preventDefault();
      onChange(value.slice(0, index - 1).trimEnd());
      boxes.current[index - 1]?.focus();
    } else if (event.key === 'ArrowLeft') boxes.current[index - 1]?.focus();
    else if (event.key === 'ArrowRight') boxes.current[index + 1]?.focus();
  };

  const box = (index: number) => (
    <input
      key={index}
      ref={(element: HTMLInputElement | null) => { boxes.current[index] = element; }}
      class="input"
      inputMode="numeric"
      autocomplete={index === 0 ? 'one-time-code' : 'off'}
      autofocus={index === 0}
      aria-label={m.digit(index + 1)}
      aria-invalid={bad ? 'true' : undefined}
      disabled={disabled === true}
      value={(value[index] ?? '').trim()}
      data-testid={index === 0 ? 'otp-input' : undefined}
      onFocus={(event) => event.currentTarget.select()}
      onKeyDown={(event) => key(event, index)}
      onInput={(event) => put(index, event.currentTarget.value)}
    />
  );

  return (
    <div class={bad ? 'field bad' : 'field'}>
      <div class="otp" role="group" aria-label={m.codeLabel}>
        {[0, 1, 2].map(box)}
        <b />
        {[3, 4, 5].map(box)}
      </div>
    </div>
  );
}
