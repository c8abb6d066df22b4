// One's own account: the first visit, adding a second factor, and the security page.

import '../App.js';

export { Account } from '../screens/Account.js';
export { Confirmed } from '../screens/Confirmed.js';
export { Enrol } from '../screens/Enrol.js';
export { NewPassword } from '../screens/NewPassword.js';
export { Security } from '../screens/Security.js';
