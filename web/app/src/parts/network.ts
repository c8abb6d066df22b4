// The network test.

import '../App.js';

export { Network } from '../screens/Network.js';
