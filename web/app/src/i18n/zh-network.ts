// 网络测试的中文文案：哪些通路可用，哪些不可用，以及原因。

import type { Shape } from './messages.js';
import type { englishNetwork } from './en-network.js';

export const chineseNetwork: Shape<typeof englishNetwork> = {
  networkTitle: '您的网络连接',
  networkText: '检查这台设备到服务器的各条通路。不会录制任何内容，也不会呼叫任何人。',
  networkAgain: '重新测试',
  networkTesting: '正在测试…',
  networkGood: '良好：声音和画面走直连通路（UDP）。',
  networkFallback: '可以开会，但无法直连：您的网络阻断了 UDP。网络较差时，声音和画面会更早受影响。',
  networkSocketOnly: '可以打开本页面，但声音和画面无法通过。请把本页面给您的网络管理员看。',
  networkNone: '从这里无法连接会议服务器。请把本页面给您的网络管理员看。',
  networkUntested: '测试未能进行，请稍后再试。',
  networkDirect: '直连',
  networkRelayed: '经服务器自带的中继',
  networkPage: '本页面',
  path_udp4: '经 IPv4 的 UDP 直连',
  path_udp6: '经 IPv6 的 UDP 直连',
  path_tcp: '经 TCP 直连',
  path_turn_udp: '经 UDP 中继',
  path_turn_tcp: '经 TCP 中继',
  path_turn_tls: '经 TLS 中继',
  path_websocket: 'WebSocket（名单、聊天与控制）',
  pathWorks: '可用',
  pathWorksIn: (ms) => `可用，${ms} 毫秒内连通`,
  pathRound: (ms) => `，往返 ${ms} 毫秒`,
  pathFails: '不可用',
  pathWaits: '正在测试…',
  why_not_offered: '服务器没有提供这条通路。只要有其他通路可用，就没有影响。',
  why_no_address: '这台设备没有这种地址。只要 IPv4 可用，就没有影响。',
  why_blocked: (at) => `${at} 没有任何回应，防火墙或中间的网络阻断了它。`,
  why_refused: (at) => `中继 ${at} 有回应，但拒绝了请求。请告诉服务器管理员。`,
  why_altered: (at) => `${at} 有数据返回，但无法建立加密连接，中间有设备改动了数据。`,
  why_untested: '未能测试这条通路。',
};
