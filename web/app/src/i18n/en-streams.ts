// English words of the devices of a room and their stream keys.

export const englishStreams = {
  streamsTitle: (room: string) => (room === '' ? 'Devices' : `${room}: devices`),
  streamsText: 'Cameras, encoders and screens that cannot sign in enter this room with a stream key. People see them in the meeting by their name.',
  streamsNone: 'No keys. Nothing but people can enter this room.',
  streamNew: 'New stream key',
  streamLabel: 'Name of the device',
  streamLabelHint: 'People see it in the meeting',
  streamMode: 'What it may do',
  streamPublish: 'Send sound and picture',
  streamPlay: 'Play the meeting',
  streamLife: 'Valid for',
  streamDays: (n: number) => (n === 1 ? '1 day' : `${n} days`),
  streamCreate: 'Create key',
  streamMade: 'Enter these into the device now. The key is not shown again.',
  streamUrl: 'Address',
  streamSecret: 'Key (bearer token)',
  streamUntil: (when: string) => `until ${when}`,
  streamUsed: (when: string) => `last used ${when}`,
  streamUnused: 'never used',
  streamRevoke: 'Revoke',
  streamRevokeAsk: (name: string) => `Revoke the key of ${name}? The device leaves the meeting within seconds.`,
} as const;
