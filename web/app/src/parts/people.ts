// What administrators see.

import '../App.js';

export { Users } from '../screens/Users.js';
