// English words for giving a second factor: at sign-in, and in the sheet that asks for it.

export const englishSecurity = {
  signInPasskey: 'Sign in with a passkey',
  orPassword: 'or with your password',
  confirmYouTitle: "Confirm it's you",
  passkey: 'Passkey',
  passkeyText: 'Fingerprint, face or security key',
  safest: 'Safest',
  wayApp: 'Code from your app',
  wayAppText: '6 digits, new every 30 seconds',
  wayRecoveryText: 'From the list you kept',
  otherWay: 'Other way',
  usePasskey: 'Use passkey',
  notNow: 'Not now',

  stepUpText: 'What you asked for needs your second step again. You stay where you are.',
  stepUpPasskey: 'This needs your passkey. You stay where you are.',
  stepUpNoPasskey: 'This opens with a passkey only. Add one in Security, then come back.',
  stepUpAt: (title: string) => `Confirm with ${title}`,
  stepUpThere: 'Confirm where you signed in',
  stepUpWindow: 'Go on in the window that opened. You stay where you are.',
  openSecurity: 'Open Security',

  security: 'Security',
} as const;
