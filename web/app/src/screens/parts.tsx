// The screens that nobody needs for joining a meeting. Each file of src/parts is one file of the bundle, loaded when
// somebody first opens a screen of it. Those files import App.js, so that what the page has already is one file, too.

import { later } from '../ui/Later.js';
import { TopBar, type TopBarProps } from '../ui/TopBar.js';
import type { ComponentChildren } from 'preact';

const below = (at: TopBarProps['at']) => (what: ComponentChildren) => <><TopBar at={at} /><main class="narrow-page" id="main">{what}</main></>;
const alone = (what: ComponentChildren) => <main class="narrow-page" id="main">{what}</main>;
const inside = (what: ComponentChildren) => <>{what}</>;

export const Account = later(() => import('../parts/account.js').then((part) => part.Account), alone);
export const Enrol = later(() => import('../parts/account.js').then((part) => part.Enrol), inside);
export const Confirmed = later(() => import('../parts/account.js').then((part) => part.Confirmed), alone);
export const Security = later(() => import('../parts/account.js').then((part) => part.Security), below('security'));
export const NewPassword = later(() => import('../parts/account.js').then((part) => part.NewPassword), alone);
export const Users = later(() => import('../parts/people.js').then((part) => part.Users), below('users'));
export const Streams = later(() => import('../parts/streams.js').then((part) => part.Streams), below('home'));
export const Guests = later(() => import('../parts/guests.js').then((part) => part.Guests), below('home'));
export const ByLink = later(() => import('../parts/guests.js').then((part) => part.ByLink), alone);
export const GuestEntrance = later(() => import('../parts/guests.js').then((part) => part.GuestEntrance), inside);
export const Network = later(() => import('../parts/network.js').then((part) => part.Network), below('network'));
