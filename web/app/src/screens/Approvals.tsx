import type { Approval } from '../api.js';
import { t } from '../i18n/people.js';
import { moment } from '../i18n/index.js';
import { Button } from '../ui/Button.js';
import { Icon } from '../ui/Icon.js';

export interface ApprovalsProps {
  readonly list: readonly Approval[];
  readonly onApprove: (id: string) => void;
  readonly onWithdraw: (id: string) => void;
}

/** What one administrator asked for and another has to approve. */
export function Approvals({ list, onApprove, onWithdraw }: ApprovalsProps) {
  const m = t();
  if (list.length === 0) return null;
  return (
    <section class="card today" aria-labelledby="approvals-title">
      <div class="card-head"><h2 id="approvals-title">{m.approvals}</h2><p class="sm muted">{m.approvalsText}</p></div>
      <ul>
        {list.map((one) => (
          <li class="person wrap" key={one.id} data-testid="approval" data-own={one.own}>
            <Icon name="user-check" />
            <div class="grow">
              <div class="nm">{one.kind === 'reset_factors' ? m.approvalReset(one.object_name) : one.kind === 'link_identity' ? m.approvalLink(one.object_name, one.detail ?? '') : one.kind}</div>
              <div class="xs quiet">{m.askedBy(one.asked_by)} · {m.waitsUntil(moment(one.expires_at_ms))}</div>
            </div>
            {!one.own && <Button testid="approval-approve" onClick={() => onApprove(one.id)}>{m.approve}</Button>}
            <Button kind="quiet" testid="approval-withdraw" onClick={() => onWithdraw(one.id)}>{one.own ? m.withdraw : m.decline}</Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
