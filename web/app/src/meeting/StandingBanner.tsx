import { standing } from '../state/call.js';
import { standingText } from '../state/standing.js';
import { Icon } from '../ui/Icon.js';

/** What the rules take away from this person, for as long as they do. */
export function StandingBanner() {
  const text = standingText(standing.value);
  if (text === '') return null;
  return (
    <div class="banner banner-standing" role="status" data-testid="standing">
      <Icon name="circle-alert" />
      <span class="clip">{text}</span>
    </div>
  );
}
