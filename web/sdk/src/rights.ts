// What a role may do to others, as the server decides it; here only so that buttons follow a change of one's role.

import type { Action, Role } from './types.js';

const cohost: readonly Action[] = ['admit', 'mute', 'remove', 'record', 'set-role', 'lock'];

export function actionsOf(role: Role | ''): readonly Action[] {
  if (role === 'host') return [...cohost, 'end'];
  return role === 'cohost' ? cohost : [];
}
