import { t } from '../i18n/index.js';
import { isDark, language, setLanguage, setTheme } from '../state/prefs.js';
import { Button } from './Button.js';

/** Language and appearance, in the corner of every screen outside the meeting. */
export function Switches() {
  const m = t();
  const other = language.value === 'en' ? 'zh-CN' : 'en';
  return (
    <div class="row switches">
      <Button kind="quiet" icon="languages" title={m.switchLanguage} testid="language" onClick={() => setLanguage(other)}>
        <span lang={other}>{m.otherLanguage}</span>
        <span class="vh">{m.switchLanguage}</span>
      </Button>
      <Button kind="quiet" icon={isDark.value ? 'sun' : 'moon'} label={isDark.value ? m.toLight : m.toDark} testid="theme"
        onClick={() => setTheme(isDark.value ? 'light' : 'dark')} />
    </div>
  );
}
