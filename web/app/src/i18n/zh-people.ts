// 管理员页面的中文文案：谁拥有账号，以及等待第二位管理员批准的事项。

import type { englishPeople } from './en-people.js';
import type { Shape } from './messages.js';

export const chinesePeople: Shape<typeof englishPeople> = {
  usersTitle: '本部署的人员',
  usersText: '拥有账号的人。每个人在第一次会议前都要添加双重验证。',
  inviteUser: '邀请新成员',
  inviteUserDo: '生成邀请',
  inviteUserDone: (name) => `请将此链接发给${name}，只能使用一次。`,
  roleLabel: '角色',
  roleUser: '成员',
  roleAdmin: '管理员',
  roleSystem: '系统管理员',
  roleSecurity: '安全保密管理员',
  roleAuditor: '安全审计员',
  roleOperator: '运维人员',
  roleOrganiser: '会议组织者',

  resetFactors: '重置双重验证',
  resetAsk: (name) => `要申请重置${name}的双重验证吗？须由另一位管理员在 24 小时内批准后才会执行。`,
  resetDo: '提出申请',
  resetWaits: '正在等待第二位管理员批准，在此之前不会有任何变化。',
  approvals: '等待第二位管理员批准',
  approvalsText: '批准前，请通过其他方式向本人核实。',
  approvalLink: (name, who) => `将${name}的账号关联到 ${who}`,
  approvalReset: (name) => `重置${name}的双重验证`,
  askedBy: (name) => `申请人：${name}`,
  waitsUntil: (when) => `有效至 ${when}`,
  approve: '批准',
  withdraw: '撤回',
  approved: '已完成。该人员下次登录时将添加新的双重验证。',
  withdrawn: '不会执行此操作。',
};
