import type { Room } from '@incamera/sdk';

export function Meeting({ room }: { readonly room: Room }) {
  return <main id="main">{room.state.title}</main>;
}
