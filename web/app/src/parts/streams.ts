// A room's devices and their keys.

import '../App.js';

export { Streams } from '../screens/Streams.js';
