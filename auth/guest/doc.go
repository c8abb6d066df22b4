// Package guest keeps the links by which people without an account come to a room's door: who has one may wait there,
// and nothing more. A link has an end, a number of people, and, where it is asked for, a one-time code that goes by mail
// to the person it is meant for, or is told by voice.
//
// A link's secret is nowhere: its keyed hash finds it, in one question that has the same answer for links that never
// were, are over, revoked, closed or used up. Who came by a link comes again, for as long as the link holds, with the
// secret of their visit, and is the same person to bans and removals whatever key their browser has.
package guest
