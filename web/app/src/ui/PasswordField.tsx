import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { Button } from './Button.js';
import { Icon } from './Icon.js';

export interface PasswordFieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
  /** What it is called; the password, when empty. */
  readonly name?: string;
  readonly fresh?: boolean;
  readonly problem?: string;
  readonly testid: string;
}

export function PasswordField({ name, value, onInput, fresh, problem, testid }: PasswordFieldProps) {
  const m = t();
  const id = useId();
  const shown = useSignal(false);
  return (
    <div class={`field${problem ? ' bad' : ''}`}>
      <label for={id}>{name ?? m.password}</label>
      <div class="with-end">
        <input
          id={id}
          class="input"
          {...(shown.value ? { type: 'text' as const } : { type: 'password' as const })}
          value={value}
          autocomplete={fresh ? 'new-password' : 'current-password'}
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={problem ? 'true' : undefined}
          aria-describedby={problem ? `${id}-err` : fresh ? `${id}-hint` : undefined}
          data-testid={testid}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
        <Button
          kind="quiet"
          icon={shown.value ? 'eye-off' : 'eye'}
          label={shown.value ? m.hidePassword : m.showPassword}
          pressed={shown.value}
          onClick={() => { shown.value = !shown.value; }}
        />
      </div>
      {fresh && !problem && <p class="hint" id={`${id}-hint`}>{m.passwordHint}</p>}
      {problem && <p class="err" id={`${id}-err`} role="alert"><Icon name="circle-alert" /><span>{problem}</span></p>}
    </div>
  );
}
