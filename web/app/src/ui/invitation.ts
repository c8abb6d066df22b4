/** The address to send. The server's own link wins, since it knows the public host name. */
export function invitationLink(room: string, fromServer?: string): string {
  if (fromServer) return new URL(fromServer, location.origin).href;
  return `${location.origin}/r/${room}`;
}
