// The roles of accounts, in words, and which of them a person may give.

import type { englishPeople } from '../i18n/en-people.js';
import type { Shape } from '../i18n/messages.js';

type Words = Shape<typeof englishPeople>;

const words: Readonly<Record<string, keyof Words>> = {
  user: 'roleUser', organiser: 'roleOrganiser', operator: 'roleOperator', auditor: 'roleAuditor',
  security_officer: 'roleSecurity', system_admin: 'roleSystem', sole_admin: 'roleAdmin',
};

export function roleWord(m: Words, role: string): string {
  const key = words[role];
  const word = key === undefined ? role : m[key];
  return typeof word === 'string' ? word : role;
}

/** What an invitation may say: administrators' roles come from a security officer, or the only administrator. */
export function rolesToGive(own: string): readonly string[] {
  const plain = ['user', 'organiser', 'operator'];
  return own === 'sole_admin' ? [...plain, 'auditor', 'security_officer', 'system_admin'] : plain;
}
