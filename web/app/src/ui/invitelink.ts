/** The invitation's address from what the server answered: a whole link, or the token alone. */
export function inviteLinkFrom(body: Readonly<Record<string, unknown>>, origin: string): string {
  for (const key of ['link', 'invite_link', 'invite_url', 'url']) {
    const value = body[key];
    if (typeof value === 'string' && value !== '') return new URL(value, origin).href;
  }
  for (const key of ['invite', 'invite_token', 'token']) {
    const value = body[key];
    if (typeof value === 'string' && value !== '') return `${origin}/invite#${value}`;
  }
  return '';
}
