import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { api, type StreamKey } from '../api.js';
import { failureOf, type Failure } from '../failure.js';
import { t } from '../i18n/streams.js';
import { Button } from '../ui/Button.js';
import { copyText } from '../ui/clipboard.js';
import { Field } from '../ui/Field.js';
import { Icon } from '../ui/Icon.js';
import { Problem } from '../ui/Problem.js';

const DAY = 86_400_000;
const lives = [1, 7, 30] as const;

/** Makes a key. Its secret is shown here and nowhere else. */
export function NewStreamKey({ room, onDone }: { readonly room: string; readonly onDone: () => void }) {
  const m = t();
  const modeId = useId();
  const lifeId = useId();
  const label = useSignal('');
  const mode = useSignal<StreamKey['mode']>('publish');
  const days = useSignal<number>(1);
  const tried = useSignal(false);
  const busy = useSignal(false);
  const made = useSignal<StreamKey | null>(null);
  const failure = useSignal<Failure | null>(null);

  const submit = async () => {
    tried.value = true;
    if (busy.value || label.value.trim() === '') return;
    busy.value = true;
    failure.value = null;
    made.value = null;
    try {
      made.value = await api.createStreamKey(room, { label: label.value.trim(), mode: mode.value, life_ms: days.value * DAY });
      label.value = '';
      tried.value = false;
      onDone();
    } catch (error) {
      failure.value = failureOf(error);
    } finally {
      busy.value = false;
    }
  };

  return (
    <section class="card pad">
      <form class="stack-4" noValidate onSubmit={(event) => { event.preventDefault(); void submit(); }}>
        <h2 class="small-title">{m.streamNew}</h2>
        <Problem failure={failure.value} />
        <Field label={m.streamLabel} hint={m.streamLabelHint} value={label.value} onInput={(value) => { label.value = value; }} maxLength={60} testid="stream-label"
          {...(tried.value && label.value.trim() === '' ? { problem: m.nameMissing } : {})} />
        <div class="field">
          <label for={modeId}>{m.streamMode}</label>
          <span class="select">
            <select id={modeId} value={mode.value} data-testid="stream-mode"
              onChange={(event) => { mode.value = event.currentTarget.value === 'play' ? 'play' : 'publish'; }}>
              <option value="publish">{m.streamPublish}</option>
              <option value="play">{m.streamPlay}</option>
            </select>
            <Icon name="chevron-down" />
          </span>
        </div>
        <div class="field">
          <label for={lifeId}>{m.streamLife}</label>
          <span class="select">
            <select id={lifeId} value={String(days.value)} onChange={(event) => { days.value = Number(event.currentTarget.value); }}>
              {lives.map((n) => <option key={n} value={String(n)}>{m.streamDays(n)}</option>)}
            </select>
            <Icon name="chevron-down" />
          </span>
        </div>
        <Button kind="primary" size="lg" block type="submit" busy={busy.value && m.creating} testid="stream-create">{m.streamCreate}</Button>
        {made.value && <Secret of={made.value} />}
      </form>
    </section>
  );
}

function Secret({ of }: { readonly of: StreamKey }) {
  const m = t();
  return (
    <div class="well stack-4" role="status">
      <p class="sm">{m.streamMade}</p>
      <Copyable name={m.streamUrl} text={of.url} testid="stream-url" />
      <Copyable name={m.streamSecret} text={of.secret ?? ''} testid="stream-secret" />
    </div>
  );
}

function Copyable({ name, text, testid }: { readonly name: string; readonly text: string; readonly testid: string }) {
  const m = t();
  const copied = useSignal(false);
  return (
    <div class="stack-2">
      <p class="xs quiet">{name}</p>
      <p class="mono xs wrap-anywhere" data-testid={testid}>{text}</p>
      <Button icon={copied.value ? 'check' : 'copy'} label={`${m.copy}: ${name}`} onClick={() => void copyText(text).then((ok) => { copied.value = ok; })}>
        {copied.value ? m.copied : m.copy}
      </Button>
    </div>
  );
}
