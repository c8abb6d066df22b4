// Links for guests: a host makes them, a guest comes by one.

import '../App.js';

export { ByLink } from '../screens/ByLink.js';
export { GuestEntrance } from '../screens/GuestEntrance.js';
export { Guests } from '../screens/Guests.js';
