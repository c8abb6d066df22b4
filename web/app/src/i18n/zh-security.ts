// 完成第二步验证的中文文案：登录时，以及要求验证的面板。

import type { englishSecurity } from './en-security.js';
import type { Shape } from './messages.js';

export const chineseSecurity: Shape<typeof englishSecurity> = {
  signInPasskey: '使用通行密钥登录',
  orPassword: '或使用密码',
  confirmYouTitle: '确认是您本人',
  passkey: '通行密钥',
  passkeyText: '指纹、面容或安全密钥',
  safest: '最安全',
  wayApp: '验证器动态码',
  wayAppText: '6 位数字，每 30 秒更新',
  wayRecoveryText: '来自您保存的列表',
  otherWay: '其他方式',
  usePasskey: '使用通行密钥',
  notNow: '暂不',

  stepUpText: '您的操作需要再次完成第二步验证。您会留在当前页面。',
  stepUpPasskey: '此操作需要您的通行密钥。您会留在当前页面。',
  stepUpNoPasskey: '仅限通行密钥进入。请在“安全”中添加后再来。',
  stepUpAt: (title) => `通过${title}确认`,
  stepUpThere: '在您登录的地方确认',
  stepUpWindow: '请在打开的窗口中继续，您会留在当前页面。',
  openSecurity: '打开“安全”',

  security: '安全',
};
