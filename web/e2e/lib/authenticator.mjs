// A person's authenticator: Chromium's virtual one, through its DevTools. It verifies the user and touches itself.

export async function giveAuthenticator(person, options = {}) {
  const cdp = await person.page.context().newCDPSession(person.page);
  await cdp.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...options,
    },
  });
  const send = (method, more) => cdp.send(`WebAuthn.${method}`, { authenticatorId, ...more });
  return {
    /** The person lets it answer, or leaves it alone. */
    present: (enabled) => send('setAutomaticPresenceSimulation', { enabled }),
    verified: (isUserVerified) => send('setUserVerified', { isUserVerified }),
    credentials: async () => (await send('getCredentials')).credentials,
    put: (credential) => send('addCredential', { credential }),
    remove: () => send('removeVirtualAuthenticator'),
  };
}
