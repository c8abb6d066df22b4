// 会议室设备与推流密钥的中文文案。

import type { englishStreams } from './en-streams.js';
import type { Shape } from './messages.js';

export const chineseStreams: Shape<typeof englishStreams> = {
  streamsTitle: (room) => (room === '' ? '设备' : `${room}：设备`),
  streamsText: '无法登录的摄像机、编码器和大屏凭推流密钥进入此会议室。会议中的人能看到设备的名称。',
  streamsNone: '没有密钥。只有人可以进入此会议室。',
  streamNew: '新建推流密钥',
  streamLabel: '设备名称',
  streamLabelHint: '会议中的人会看到',
  streamMode: '用途',
  streamPublish: '发送声音和画面',
  streamPlay: '播放会议',
  streamLife: '有效期',
  streamDays: (n) => `${n} 天`,
  streamCreate: '创建密钥',
  streamMade: '请现在填入设备。密钥不会再次显示。',
  streamUrl: '地址',
  streamSecret: '密钥（Bearer 令牌）',
  streamUntil: (when) => `有效至 ${when}`,
  streamUsed: (when) => `最近使用 ${when}`,
  streamUnused: '未使用过',
  streamRevoke: '吊销',
  streamRevokeAsk: (name) => `吊销“${name}”的密钥？该设备将在数秒内退出会议。`,
};
