import { useId } from 'preact/hooks';
import { Icon } from './Icon.js';

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string;
  readonly problem?: string;
  readonly autocomplete?: string;
  readonly placeholder?: string;
  readonly maxLength?: number;
  readonly mono?: boolean;
  readonly focus?: boolean;
  readonly testid?: string;
}

export function Field(props: FieldProps) {
  const { label, value, onInput, hint, problem, autocomplete, placeholder, maxLength, mono, focus, testid } = props;
  const id = useId();
  const described = problem ? `${id}-err` : hint ? `${id}-hint` : undefined;
  return (
    <div class={`field${problem ? ' bad' : ''}`}>
      <label for={id}>{label}</label>
      <input
        id={id}
        class={`input${mono ? ' mono' : ''}`}
        type="text"
        value={value}
        autocomplete={autocomplete ?? 'off'}
        autocapitalize="none"
        spellcheck={false}
        placeholder={placeholder}
        maxLength={maxLength}
        autofocus={focus === true}
        aria-invalid={problem ? 'true' : undefined}
        aria-describedby={described}
        data-testid={testid}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint && !problem && <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {problem && (
        <p class="err" id={`${id}-err`} role="alert">
          <Icon name="circle-alert" />
          <span>{problem}</span>
        </p>
      )}
    </div>
  );
}
