import type { ClassRules } from '../api.js';
import { t } from '../i18n/index.js';
import { className } from '../ui/ClassChip.js';
import { Icon } from '../ui/Icon.js';
import { roomClass } from '../ui/roomclass.js';

/** One sentence of what a class means for those who come, as this deployment has it. */
function sentence(rules: ClassRules): string {
  const m = t();
  const door = rules.lobby === 'always' ? (rules.guests ? m.doorAlways : m.doorMembers) : rules.guests ? m.doorGuests : m.doorAccounts;
  return [
    door, rules.acr === 'phishing_resistant' && m.rulePasskey, rules.watermark && m.ruleWatermark, !rules.recording && m.ruleNoRecording,
  ].filter(Boolean).join(m.ruleBetween) + m.ruleEnd;
}

export interface ClassChoiceProps {
  readonly classes: readonly ClassRules[];
  readonly value: string;
  readonly onChange: (kind: string) => void;
}

/** Which class a new room is of. */
export function ClassChoice({ classes, value, onChange }: ClassChoiceProps) {
  const rules = classes.find((one) => one.class === value);
  return (
    <div class="field">
      <label for="home-class">{t().roomClass}</label>
      <span class="select">
        <select id="home-class" value={value} data-testid="home-class" aria-describedby="home-class-text" onChange={(event) => onChange(event.currentTarget.value)}>
          {classes.map((one) => <option key={one.class} value={one.class}>{className(roomClass(one.class).kind)}</option>)}
        </select>
        <Icon name="chevron-down" />
      </span>
      <p class="sm muted" id="home-class-text" data-testid="home-class-text">{rules ? sentence(rules) : ''}</p>
    </div>
  );
}
