// Package allot divides what a receiver's link carries among the pictures it watches: which point of each source it
// gets, which picture must pause, and what publishers are asked to send.
package allot
